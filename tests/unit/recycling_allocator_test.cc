#include "base/recycling_allocator.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace embedd {
namespace {

using Floats = std::vector<float, RecyclingAllocator<float>>;

constexpr std::size_t kLarge = kRecycledBytes / sizeof(float) + 1000;

TEST(RecyclingAllocator, ServesBlocksOfAllSizes) {
  for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{1000}, kLarge, 30 * kLarge}) {
    Floats values(count);
    std::fill(values.begin(), values.end(), 1.5F);
    values.push_back(2.5F);
    EXPECT_EQ(values.front(), count > 0 ? 1.5F : 2.5F);
    EXPECT_EQ(values.back(), 2.5F);
  }
}

TEST(RecyclingAllocator, ValuesThatAreGivenAreSet) {
  {
    const Floats dirty(kLarge, 7.0F);
  }
  const Floats values(kLarge, 0.0F);
  EXPECT_EQ(std::count(values.begin(), values.end(), 0.0F), static_cast<std::ptrdiff_t>(kLarge));
}

#if !defined(__SANITIZE_ADDRESS__)

TEST(RecyclingAllocator, AFreedBlockServesTheNextThatFillsHalfOfIt) {
  std::jthread([] {
    const float* first = nullptr;
    {
      const Floats values(2 * kLarge);
      first = values.data();
    }
    {
      const Floats smaller(kLarge * 3 / 2);
      EXPECT_EQ(smaller.data(), first);
    }
    const Floats tiny(kLarge * 9 / 10);
    EXPECT_NE(tiny.data(), first);
  });
}

TEST(RecyclingAllocator, KeepsNoMoreThanItsBound) {
  std::jthread([] {
    constexpr std::size_t kMega = kMiB / sizeof(float);
    std::vector<Floats> all;
    for (int i = 0; i < 16; ++i) all.emplace_back(kMega);
    const float* last = all.back().data();
    while (!all.empty()) all.erase(all.begin());
    EXPECT_LE(spare_block_bytes(), kSpareBytes);
    EXPECT_GT(spare_block_bytes(), kSpareBytes / 2);
    EXPECT_EQ(Floats(kMega).data(), last);
  });
}

#endif

}  // namespace
}  // namespace embedd
