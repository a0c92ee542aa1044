/// Allocates large blocks that come and go at a high rate, such as the vectors of each answer. New pages from
/// the system are zeroed and faulted in, which takes longer than decoding an answer into them.
///
///   std::vector<float, RecyclingAllocator<float>> values(n);  // not zeroed: write before you read
///
/// Freed blocks of kRecycledBytes or more are kept, at most kSpareBytes per thread, and reused for requests
/// of at least half their size. Smaller blocks are malloc's. With AddressSanitizer no block is kept.
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <new>
#include <utility>

#include "base/units.h"

namespace embedd {

inline constexpr std::size_t kRecycledBytes = 256 * kKiB;
inline constexpr std::size_t kSpareBytes = 4 * kMiB;

/// Throws std::bad_alloc.
void* take_block(std::size_t bytes);
void give_block(void* block) noexcept;
/// Bytes of the spare blocks of this thread.
std::size_t spare_block_bytes();

template <typename T>
struct RecyclingAllocator {
  using value_type = T;
  static_assert(alignof(T) <= alignof(std::max_align_t));

  RecyclingAllocator() = default;
  template <typename U>
  RecyclingAllocator(const RecyclingAllocator<U>&) noexcept {}  // NOLINT(google-explicit-constructor)

  [[nodiscard]] T* allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(take_block(count * sizeof(T)));
  }
  void deallocate(T* block, std::size_t) noexcept { give_block(block); }

  /// Constructs without a value: leaves the memory as it is.
  template <typename U>
  void construct(U* at) noexcept {
    ::new (static_cast<void*>(at)) U;
  }
  template <typename U, typename... Values>
  void construct(U* at, Values&&... values) {
    std::construct_at(at, std::forward<Values>(values)...);
  }

  friend bool operator==(const RecyclingAllocator&, const RecyclingAllocator&) = default;
};

}  // namespace embedd
