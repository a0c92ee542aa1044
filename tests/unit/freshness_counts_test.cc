// Counts of how fresh vectors were: what is counted is found again, roughly.
#include "core/freshness_counts.h"

#include <gtest/gtest.h>

#include <chrono>
#include <vector>

namespace embedd {
namespace {

TEST(FreshnessCounts, NothingCountedIsNotKnown) {
  EXPECT_EQ(FreshnessCounts().total(), 0);
  EXPECT_EQ(FreshnessCounts().quantile(0.5), std::nullopt);
  EXPECT_TRUE(FreshnessCounts().counts().empty());
}

TEST(FreshnessCounts, QuantilesAreRightToAFifth) {
  for (const double at : {0.02, 0.3, 1.0, 45.0, 3600.0, 80'000.0}) {
    FreshnessCounts counts;
    for (int i = 0; i < 1000; ++i)
      counts.add(std::chrono::duration_cast<Duration>(std::chrono::duration<double>(at)));
    EXPECT_NEAR(counts.quantile(0.5).value(), at, 0.34 * at);
  }
  FreshnessCounts counts;
  for (int i = 0; i < 98; ++i) counts.add(milliseconds(20));
  for (int i = 0; i < 2; ++i) counts.add(seconds(60));
  EXPECT_LT(counts.quantile(0.5).value(), 0.03);
  EXPECT_GT(counts.quantile(0.99).value(), 40);
}

TEST(FreshnessCounts, NothingIsTooFreshOrTooLate) {
  FreshnessCounts counts;
  counts.add(Duration{});
  counts.add(-seconds(1));
  counts.add(std::chrono::hours(1000));
  EXPECT_EQ(counts.total(), 3);
  EXPECT_LE(counts.quantile(0.5).value(), 0.005);
  EXPECT_EQ(counts.counts().size(), FreshnessCounts::kBuckets);
}

TEST(FreshnessCounts, CountsAddUp) {
  FreshnessCounts a, b;
  a.add(milliseconds(1));
  b.add(milliseconds(20));
  b.add(milliseconds(20));
  a.add(b.counts());
  EXPECT_EQ(a.total(), 3);
  const std::vector<std::int64_t> strange(100, 1);
  a.add(strange);
  EXPECT_EQ(a.total(), 103) << "counts behind the last bucket";
  a.add(std::vector<std::int64_t>{-5});
  EXPECT_EQ(a.total(), 103);
}

}  // namespace
}  // namespace embedd
