/// The chunks of a simulated store, and of rows that are on their way into it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace embedd::sim {

/// As it stands in the store.
struct StoredChunk {
  std::string chunk;
  std::vector<float> vector;
  bool operator==(const StoredChunk&) const = default;
};
/// Of one row, by number.
using StoredChunks = std::map<int, StoredChunk>;

/// Waits until all chunks of its row have vectors. The name of a chunk is what is sent of it, where the real
/// database takes a hash.
struct StagedChunk {
  std::string chunk, sent;
};

/// What was put into the store.
struct PlacedChunk {
  std::string sent;
  std::vector<float> vector;
};

/// Chunks by row and number, which are found by what is sent of them, too.
template <typename Chunk>
class ChunksOfRows {
 public:
  [[nodiscard]] const std::map<int, Chunk>& of(const std::string& key) const {
    static const std::map<int, Chunk> kNone;
    const auto found = rows_.find(key);
    return found == rows_.end() ? kNone : found->second;
  }
  [[nodiscard]] const std::map<std::string, std::map<int, Chunk>>& rows() const { return rows_; }
  /// A row may be named more than once.
  [[nodiscard]] const std::multiset<std::string>& rows_with(const std::string& sent) const {
    static const std::multiset<std::string> kNone;
    const auto found = with_.find(sent);
    return found == with_.end() ? kNone : found->second;
  }

  void put(const std::string& key, int number, Chunk chunk) {
    const auto found = rows_[key].find(number);
    if (found != rows_[key].end()) forget(key, found->second.sent);
    with_[chunk.sent].insert(key);
    rows_[key][number] = std::move(chunk);
  }
  /// All of the row's chunks; returns what is sent of them.
  std::set<std::string> erase(const std::string& key) {
    return erase_if(key, [](int) { return true; });
  }
  /// Those of the row's chunks with such a number.
  template <typename Predicate>
  std::set<std::string> erase_if(const std::string& key, Predicate is_such) {
    std::set<std::string> erased;
    const auto row = rows_.find(key);
    if (row == rows_.end()) return erased;
    std::erase_if(row->second, [&](const auto& chunk) {
      if (!is_such(chunk.first)) return false;
      forget(key, chunk.second.sent);
      erased.insert(chunk.second.sent);
      return true;
    });
    if (row->second.empty()) rows_.erase(row);
    return erased;
  }
  /// Unless there are chunks of the new key already.
  void move(const std::string& key, const std::string& new_key) {
    if (rows_.contains(new_key)) return;
    const std::map<int, Chunk> chunks = of(key);
    erase(key);
    for (const auto& [number, chunk] : chunks) put(new_key, number, chunk);
  }

 private:
  void forget(const std::string& key, const std::string& sent) {
    const auto with = with_.find(sent);
    with->second.erase(with->second.find(key));
    if (with->second.empty()) with_.erase(with);
  }

  std::map<std::string, std::map<int, Chunk>> rows_;
  std::map<std::string, std::multiset<std::string>> with_;
};

}  // namespace embedd::sim
