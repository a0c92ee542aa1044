#include "app/vector_cache.h"

#include <iterator>
#include <utility>

namespace embedd::app {
namespace {

/// Memory of an entry beside its key and vector, roughly: the list's node, the map's node and the allocator.
constexpr std::size_t kOverheadBytes = 200;

}  // namespace

std::size_t VectorCache::Entry::bytes() const {
  return kOverheadBytes + key.size() + vector.size() * sizeof(float);
}

const std::vector<float>* VectorCache::find(std::string_view key) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  entries_.splice(entries_.begin(), entries_, found->second);
  return &found->second->vector;
}

void VectorCache::add(std::string key, std::vector<float> vector) {
  if (const auto found = by_key_.find(key); found != by_key_.end()) drop(found->second);
  entries_.push_front({std::move(key), std::move(vector)});
  by_key_.emplace(entries_.front().key, entries_.begin());
  bytes_ += entries_.front().bytes();
  while (bytes_ > most_bytes_) drop(std::prev(entries_.end()));
}

void VectorCache::drop(std::list<Entry>::iterator entry) {
  bytes_ -= entry->bytes();
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

}  // namespace embedd::app
