#include "support/paths.h"

namespace embedd::test {

std::string embedd_binary() { return EMBEDD_BINARY; }

std::string source_file(const std::string& path) { return EMBEDD_SOURCE_DIR "/" + path; }

}  // namespace embedd::test
