#include "base/version.h"

namespace embedd {

// The one file that is compiled anew when the version changes.
std::string_view version() { return EMBEDD_VERSION; }

}  // namespace embedd
