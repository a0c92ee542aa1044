#include "base/recycling_allocator.h"

#include <malloc.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace embedd {

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kKeeps = false;  // so that AddressSanitizer sees a use after free
#else
constexpr bool kKeeps = true;
#endif

/// The thread's spare blocks, in the order in which they were freed.
class Spare {
 public:
  Spare() { blocks_.reserve(kSpareBytes / kRecycledBytes); }
  ~Spare() {
    for (void* block : blocks_) std::free(block);
  }
  Spare(const Spare&) = delete;
  Spare& operator=(const Spare&) = delete;

  void* take(std::size_t bytes) {
    const auto fits = [bytes](void* block) {
      const std::size_t size = malloc_usable_size(block);
      return size >= bytes && size / 2 <= bytes;
    };
    const auto found = std::find_if(blocks_.rbegin(), blocks_.rend(), fits);
    if (found == blocks_.rend()) return nullptr;
    void* const block = *found;
    blocks_.erase(std::next(found).base());
    bytes_ -= malloc_usable_size(block);
    return block;
  }

  /// Makes room by freeing the blocks that have waited longest.
  void give(void* block) {
    const std::size_t bytes = malloc_usable_size(block);
    if (bytes > kSpareBytes) return std::free(block);
    while (bytes_ + bytes > kSpareBytes) {
      bytes_ -= malloc_usable_size(blocks_.front());
      std::free(blocks_.front());
      blocks_.erase(blocks_.begin());
    }
    blocks_.push_back(block);
    bytes_ += bytes;
  }

  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  std::vector<void*> blocks_;
  std::size_t bytes_ = 0;
};

Spare& spare() {
  thread_local Spare spare;
  return spare;
}

}  // namespace

void* take_block(std::size_t bytes) {
  if (kKeeps && bytes >= kRecycledBytes)
    if (void* const block = spare().take(bytes)) return block;
  void* const block = std::malloc(std::max<std::size_t>(bytes, 1));
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void give_block(void* block) noexcept {
  if (kKeeps && block != nullptr && malloc_usable_size(block) >= kRecycledBytes) return spare().give(block);
  std::free(block);
}

std::size_t spare_block_bytes() { return spare().bytes(); }

}  // namespace embedd
