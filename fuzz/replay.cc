/// Runs a fuzz target over files, without libFuzzer: replay_NAME FILE-OR-DIRECTORY…
///
/// So every compiler and sanitizer sees the corpora, and whatever once went wrong stays a test.

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> files_of(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

/// In a block of exactly its size, so that AddressSanitizer sees one byte too many.
void replay(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const std::vector<std::uint8_t> bytes(text.begin(), text.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    for (const fs::path& file : files_of(argv[i])) {
      fmt::print(stderr, "{}\n", file.string());  // the last one printed is the one that broke it
      replay(file);
      ++count;
    }
  }
  LLVMFuzzerTestOneInput(nullptr, 0);
  fmt::print("{} inputs\n", count);
  return count == 0 ? 1 : 0;
}
