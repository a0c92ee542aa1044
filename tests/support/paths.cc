#include "support/paths.h"

#include <fstream>
#include <iterator>

namespace embedd::test {

std::string embedd_binary() { return EMBEDD_BINARY; }

std::string source_file(const std::string& path) { return EMBEDD_SOURCE_DIR "/" + path; }

std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

}  // namespace embedd::test
