/// The vocabulary of cl100k_base: 100,256 byte strings, each with the rank at which it is merged.
///
/// Compact, because a worker may use 64 MiB in all: one blob of bytes, and for each token one offset and 2.6
/// hash slots of four bytes (a load of 0.4); 2.1 MB together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace embedd {

class Cl100kRanks {
 public:
  static constexpr std::uint32_t kCount = 100'256;
  static constexpr std::uint32_t kNone = 0xFFFF'FFFF;  ///< greater than every rank
  static constexpr std::size_t kLongest = 128;         ///< bytes of the longest token

  /// Parses tiktoken's file format: a line for each token, with base64, a space and the rank; ranks in order.
  /// Error invalid_argument if `file` is not the complete vocabulary. The result does not refer to `file`.
  static Result<Cl100kRanks> parse(std::string_view file);

  /// The rank of `bytes`, or kNone. Constant time: longer texts than kLongest are not looked up.
  [[nodiscard]] std::uint32_t find(std::string_view bytes) const {
    if (bytes.empty() || bytes.size() > kLongest) return kNone;
    return probe(bytes);
  }

  [[nodiscard]] std::string_view token(std::uint32_t rank) const {
    return std::string_view(bytes_).substr(offsets_[rank], offsets_[rank + 1] - offsets_[rank]);
  }

  [[nodiscard]] std::size_t memory_bytes() const;

 private:
  Cl100kRanks() = default;
  [[nodiscard]] std::uint32_t probe(std::string_view bytes) const;
  void insert(std::uint32_t rank);

  std::string bytes_;                   ///< all tokens, in order of rank
  std::vector<std::uint32_t> offsets_;  ///< kCount + 1
  std::vector<std::uint32_t> slots_;    ///< open addressing; 15 bits of the hash, then 17 of the rank
};

}  // namespace embedd
