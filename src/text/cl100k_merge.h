/// Byte-pair merging: how many tokens a piece of text has, and where they end.
///
/// The rule (that of tiktoken): start from single bytes; while any two neighbours together are a token, merge
/// the pair of lowest rank, the leftmost if there are several.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "text/cl100k_ranks.h"

namespace embedd {

/// Merges pieces, one after another, and reuses its scratch memory. One thread at a time; `ranks` must
/// outlive the merger.
///
/// A piece of n bytes takes O(n) time if it is a token, O(n²) up to kShort bytes, and about O(n) beyond (each
/// pair moves at most once for each bit of a rank); and up to about 40·n bytes of memory.
class Cl100kMerger {
 public:
  explicit Cl100kMerger(const Cl100kRanks& ranks) : ranks_(ranks) {}

  /// Tokens of `piece`, which must not be empty.
  std::size_t count(std::string_view piece);

  /// Bytes of the first `tokens` tokens of `piece`, or of the whole piece if it has no more tokens.
  std::size_t prefix_bytes(std::string_view piece, std::size_t tokens);

 private:
  static constexpr std::size_t kShort = 48;

  struct Part {
    std::uint32_t previous = 0, next = 0;  ///< starts of the neighbours
    std::uint32_t rank = 0;                ///< of this part together with the next one
  };
  struct Pair {
    std::uint32_t rank = 0;
    std::uint32_t start = 0;
  };

  /// Writes the token starts of `piece` to starts_.
  void merge(std::string_view piece);
  void merge_short(std::string_view piece);
  void merge_long(std::string_view piece);
  void merge_at(std::string_view piece, std::uint32_t start);
  void rank_pair(std::string_view piece, std::uint32_t start);

  void push(Pair pair);
  bool next_rank();
  void rebuild(std::uint32_t rank);

  const Cl100kRanks& ranks_;
  std::vector<std::uint32_t> starts_;
  std::vector<Part> parts_;             ///< merge_long: by start
  std::vector<Pair> buckets_[18];       ///< merge_long: a radix heap of pairs by rank; see push()
  std::vector<std::uint32_t> current_;  ///< merge_long: starts of the pairs of rank last_, ascending
  std::size_t cursor_ = 0;              ///< into current_
  std::uint32_t last_ = 0;              ///< the lowest rank in the heap
};

}  // namespace embedd
