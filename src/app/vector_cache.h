/// The vectors of recent queries, within a number of bytes: the least recently used one goes first. For one
/// thread.
#pragma once

#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace embedd::app {

class VectorCache {
 public:
  explicit VectorCache(std::size_t most_bytes) : most_bytes_(most_bytes) {}
  VectorCache(const VectorCache&) = delete;
  VectorCache& operator=(const VectorCache&) = delete;

  /// Null: the vector is not there. Valid until the next add().
  const std::vector<float>* find(std::string_view key);
  /// Replaces the key's vector. A vector that is larger than the whole cache is not kept.
  void add(std::string key, std::vector<float> vector);
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string key;
    std::vector<float> vector;
    [[nodiscard]] std::size_t bytes() const;
  };
  void drop(std::list<Entry>::iterator entry);

  const std::size_t most_bytes_;
  std::size_t bytes_ = 0;
  std::list<Entry> entries_;                                                 ///< the most recently used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key_;  ///< the keys of entries_
};

}  // namespace embedd::app
