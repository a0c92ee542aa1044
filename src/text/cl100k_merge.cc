#include "text/cl100k_merge.h"

#include <algorithm>
#include <bit>

#include "base/check.h"

namespace embedd {
namespace {

constexpr std::uint32_t kNone = Cl100kRanks::kNone;

}  // namespace

std::size_t Cl100kMerger::count(std::string_view piece) {
  if (ranks_.find(piece) != kNone) return 1;
  merge(piece);
  return starts_.size();
}

std::size_t Cl100kMerger::prefix_bytes(std::string_view piece, std::size_t tokens) {
  merge(piece);
  return tokens < starts_.size() ? starts_[tokens] : piece.size();
}

void Cl100kMerger::merge(std::string_view piece) {
  CHECK(!piece.empty() && piece.size() < kNone, "piece of {} bytes", piece.size());
  starts_.clear();
  // Merging their own bytes does not produce some tokens, but a whole piece that is a token counts as one.
  if (ranks_.find(piece) != kNone) return starts_.push_back(0);
  if (piece.size() <= kShort) {
    merge_short(piece);
  } else {
    merge_long(piece);
  }
}

/// With few parts, searching all of them for the lowest rank is faster than any queue.
void Cl100kMerger::merge_short(std::string_view piece) {
  std::uint32_t starts[kShort + 2];  // of the parts, then the end of the piece
  std::uint32_t ranks[kShort];       // of each part together with the next one
  std::size_t parts = piece.size();
  for (std::uint32_t i = 0; i <= piece.size(); ++i) starts[i] = i;
  const auto rank_of = [&](std::size_t part) {
    if (part + 2 > parts) return kNone;
    return ranks_.find(piece.substr(starts[part], starts[part + 2] - starts[part]));
  };
  for (std::size_t part = 0; part < parts; ++part) ranks[part] = rank_of(part);
  for (;;) {
    const std::size_t best = std::min_element(ranks, ranks + parts) - ranks;
    if (ranks[best] == kNone) break;
    std::copy(starts + best + 2, starts + parts + 1, starts + best + 1);
    std::copy(ranks + best + 2, ranks + parts, ranks + best + 1);
    --parts;
    ranks[best] = rank_of(best);
    if (best > 0) ranks[best - 1] = rank_of(best - 1);
  }
  starts_.assign(starts, starts + parts);
}

void Cl100kMerger::merge_long(std::string_view piece) {
  const auto size = static_cast<std::uint32_t>(piece.size());
  parts_.resize(size + 1);
  last_ = 0;
  for (std::uint32_t start = 0; start <= size; ++start) parts_[start] = {start - 1, start + 1, kNone};
  for (std::uint32_t start = 0; start < size; ++start) rank_pair(piece, start);
  while (next_rank()) {
    // A merge makes a longer string, so it adds no pair of the rank that is being merged.
    const std::uint32_t rank = last_;
    while (last_ == rank && cursor_ < current_.size()) {
      const std::uint32_t start = current_[cursor_++];
      if (parts_[start].rank == rank) merge_at(piece, start);  // otherwise a neighbour was merged before
    }
  }
  for (std::uint32_t start = 0; start < size; start = parts_[start].next) starts_.push_back(start);
}

void Cl100kMerger::merge_at(std::string_view piece, std::uint32_t start) {
  Part& part = parts_[start];
  Part& merged = parts_[part.next];
  merged.rank = kNone;
  part.next = merged.next;
  parts_[part.next].previous = start;
  if (start > 0) rank_pair(piece, part.previous);
  rank_pair(piece, start);
}

/// Looks up the pair of the part at `start` and the next part, and enqueues the pair if it is a token.
void Cl100kMerger::rank_pair(std::string_view piece, std::uint32_t start) {
  Part& part = parts_[start];
  part.rank = kNone;
  if (part.next == piece.size()) return;
  part.rank = ranks_.find(piece.substr(start, parts_[part.next].next - start));
  if (part.rank != kNone) push({part.rank, start});
}

/// A radix heap (Ahuja, Mehlhorn, Orlin, Tarjan 1990): bucket b holds the ranks whose highest bit that
/// differs from last_ is bit b - 1. Ranks must not fall below last_, which merging rarely causes; then the
/// heap is rebuilt.
void Cl100kMerger::push(Pair pair) {
  if (pair.rank < last_) rebuild(pair.rank);
  buckets_[std::bit_width(pair.rank ^ last_)].push_back(pair);
}

/// Sets last_ to the lowest rank in the heap, and current_ to its pairs from left to right.
bool Cl100kMerger::next_rank() {
  current_.clear();
  cursor_ = 0;
  std::vector<Pair>* lowest =
      std::ranges::find_if(buckets_, [](const auto& bucket) { return !bucket.empty(); });
  if (lowest == std::end(buckets_)) return false;
  last_ = std::ranges::min_element(*lowest, {}, &Pair::rank)->rank;
  for (const Pair& pair : *lowest) {
    if (pair.rank == last_) {
      current_.push_back(pair.start);
    } else {
      buckets_[std::bit_width(pair.rank ^ last_)].push_back(pair);
    }
  }
  lowest->clear();
  if (!std::ranges::is_sorted(current_)) std::ranges::sort(current_);
  return true;
}

/// Rebuilds the heap for a new lowest rank.
void Cl100kMerger::rebuild(std::uint32_t rank) {
  std::vector<Pair> all;
  for (; cursor_ < current_.size(); ++cursor_) all.push_back({last_, current_[cursor_]});
  for (auto& bucket : buckets_) {
    all.insert(all.end(), bucket.begin(), bucket.end());
    bucket.clear();
  }
  last_ = rank;
  for (const Pair& pair : all) push(pair);
}

}  // namespace embedd
