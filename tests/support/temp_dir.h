/// A directory of its own for a test, removed with all it holds.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/check.h"

namespace embedd::test {

class TempDir {
 public:
  TempDir() {
    std::string name = (std::filesystem::temp_directory_path() / "embedd-test-XXXXXX").string();
    CHECK(mkdtemp(name.data()) != nullptr, "mkdtemp {}", name);
    path_ = name;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }
  /// Replaces the file atomically: a reader sees the old or the new content.
  void write(const std::string& name, const std::string& content) const {
    std::ofstream(file(name + ".new"), std::ios::binary) << content;
    std::filesystem::rename(file(name + ".new"), file(name));
  }

 private:
  std::filesystem::path path_;
};

}  // namespace embedd::test
