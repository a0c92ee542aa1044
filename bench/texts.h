/// Texts that the micro-benchmarks share.
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

namespace embedd::bench {

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::string repeated(std::string_view text, std::size_t bytes) {
  std::string out;
  while (out.size() < bytes) out.append(text.substr(0, bytes - out.size()));
  return out;
}

/// English prose: the licence that every Debian has.
inline std::string english() { return read_file("/usr/share/common-licenses/GPL-3"); }

/// C++ code: the tokenizer's own.
inline std::string code() {
  const std::string folder = EMBEDD_SOURCE_DIR "/src/text/";
  return read_file(folder + "cl100k.cc") + read_file(folder + "cl100k_merge.cc") +
         read_file(folder + "hashing.cc");
}

inline std::string chinese() {
  return repeated(
      "数据库连接数过多时,新的连接会被拒绝。可以使用连接池来减少连接的数量,或者提高最大连接数,"
      "但是每个连接都会占用内存。"
      "索引可以加快查询的速度,但是会让写入变慢。在更新大量数据之后,应当重新收集统计信息,"
      "这样查询计划才会准确。",
      60'000);
}

}  // namespace embedd::bench
