#include "base/version.h"

namespace embedd {

// Only this file is compiled again when the version changes.
std::string_view version() { return EMBEDD_VERSION; }

}  // namespace embedd
