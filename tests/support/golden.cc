#include "support/golden.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "support/paths.h"

namespace embedd::test {

void expect_golden(std::string_view file, const std::string& text) {
  const std::filesystem::path path = source_file("tests/golden/" + std::string(file));
  if (std::getenv("EMBEDD_UPDATE_GOLDEN") != nullptr) {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text << '\n';
  }
  EXPECT_EQ(text + '\n', contents(path)) << path << ": is the change meant? EMBEDD_UPDATE_GOLDEN=1 writes it";
}

}  // namespace embedd::test
