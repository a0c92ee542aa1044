#include "core/allowance.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

class AllowanceTest : public testing::Test {
 protected:
  AllowanceTest() { allowance.configure({.tokens_per_minute = 60'000}); }

  /// The tokens that are reserved for a request of `tokens`, and granted at once.
  std::int64_t reserve(std::size_t tokens) {
    const auto reservation = allowance.reserve(tokens, now);
    if (!reservation) return 0;
    allowance.note({.reservation = *reservation, .wait = Duration{}}, now);
    return reservation->tokens;
  }

  Allowance allowance{"metered"};
  Instant now{seconds(1000)};
};

TEST_F(AllowanceTest, WhatIsReservedIsSpentOnce) {
  EXPECT_EQ(allowance.open_for(now), 0U);
  EXPECT_EQ(reserve(3000), 3000);
  EXPECT_EQ(allowance.open_for(now), 3000U);
  allowance.spend(3000);
  EXPECT_EQ(allowance.open_for(now), 0U);
  EXPECT_EQ(reserve(3000), 3000);
}

TEST_F(AllowanceTest, OfWhatIsLeftOverOnlyHalfASecondIsKept) {
  EXPECT_EQ(reserve(3000), 3000);
  allowance.spend(1000);
  now += seconds(1);
  EXPECT_EQ(reserve(3000), 2500);
}

TEST_F(AllowanceTest, WhatIsNotUsedIsGoneAfterAWhile) {
  EXPECT_EQ(reserve(3000), 3000);
  now += seconds(6);
  EXPECT_EQ(allowance.open_for(now), 0U);
  EXPECT_EQ(reserve(3000), 3000);
  EXPECT_EQ(allowance.open_for(now), 3000U);
}

TEST_F(AllowanceTest, ADebtIsReservedWithTheNextRequest) {
  EXPECT_EQ(reserve(3000), 3000);
  allowance.spend(4000);
  EXPECT_EQ(reserve(1000), 2000);
  EXPECT_EQ(allowance.open_for(now), 1000U);
}

TEST_F(AllowanceTest, LearnsHowTheProviderCounts) {
  EXPECT_EQ(allowance.most_tokens(), 3000U);
  for (int i = 0; i < 50; ++i) {
    (void)reserve(1000);
    allowance.spend(1000);
    allowance.correct(1000, 500);
  }
  EXPECT_NEAR(static_cast<double>(allowance.most_tokens()), 6000, 1);
  EXPECT_NEAR(static_cast<double>(reserve(2000)), 1000, 2);
}

}  // namespace
}  // namespace embedd
