/// How a text is cut into chunks, as `--chunk` says it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"

namespace embedd {

/// `none`, `tokens:SIZE`, `recursive:SIZE`, `markdown:SIZE`, the latter three also with `,OVERLAP`.
struct ChunkRule {
  enum class Kind { none, tokens, recursive, markdown };
  static constexpr std::size_t kLeastSize = 16, kMostSize = 8191;

  Kind kind = Kind::none;
  std::size_t size = kMostSize;  ///< tokens of what is sent of a chunk, at most; context and overlap count
  std::size_t overlap = 0;       ///< tokens that a chunk repeats of the one before it, at most
  bool operator==(const ChunkRule&) const = default;
};

/// Error: invalid_argument, which says what to write instead.
Result<ChunkRule> parse_chunk_rule(std::string_view text);

}  // namespace embedd
