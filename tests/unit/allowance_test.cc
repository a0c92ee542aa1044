#include "core/allowance.h"

#include <gtest/gtest.h>

#include <limits>

namespace embedd {
namespace {

class AllowanceTest : public testing::Test {
 protected:
  AllowanceTest() { allowance.configure({.tokens_per_minute = 60'000}); }

  /// The tokens that are reserved for a request of `tokens`, and granted at once.
  std::int64_t reserve(std::size_t tokens) {
    const auto reservation = allowance.reserve(tokens, now);
    if (!reservation) return 0;
    allowance.reserved({.reservation = *reservation, .wait = Duration{}}, now);
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

/// What headers say, however odd: there is no limit, or one that lets requests through, at most so many
/// tokens at a time.
struct Said {
  const char* name;
  RateLimits limits;
  bool limited;
  std::size_t at_least;  ///< tokens of a request
};

class Headers : public testing::TestWithParam<Said> {};

TEST_P(Headers, NeverStopOrHurryAnybody) {
  Allowance allowance("metered");
  allowance.learn(GetParam().limits);
  EXPECT_EQ(allowance.limited(), GetParam().limited);
  EXPECT_GE(allowance.most_tokens(), GetParam().at_least);
  const Instant now{seconds(1000)};
  const auto reservation = allowance.reserve(100, now);
  if (!reservation) return;
  EXPECT_GE(reservation->requests_time, Duration{});
  EXPECT_GE(reservation->tokens_time, Duration{});
  EXPECT_LE(allowance.closed_for(std::chrono::hours(1)).closed_for, minutes(1));
  EXPECT_EQ(allowance.closed_for(Duration(-1)).closed_for, Duration{});
}

constexpr std::int64_t kHuge = std::numeric_limits<std::int64_t>::max();
INSTANTIATE_TEST_SUITE_P(
    Said, Headers,
    testing::Values(
        Said{"nothing", {}, false, kHuge},
        Said{"limits_of_zero", {.limit_requests = 0, .limit_tokens = 0}, false, kHuge},
        Said{"nothing_left_of_nothing",
             {.limit_requests = 0, .remaining_requests = 0, .limit_tokens = 0, .remaining_tokens = 0},
             false,
             kHuge},
        Said{"a_reset_of_zero",
             {.limit_tokens = 60'000, .remaining_tokens = 0, .reset_tokens = Duration{}},
             true,
             3000},
        Said{"a_reset_of_a_nanosecond",
             {.limit_tokens = 60'000, .remaining_tokens = 0, .reset_tokens = Duration(1)},
             true,
             3000},
        Said{"more_left_than_there_is",
             {.limit_tokens = 60'000, .remaining_tokens = kHuge, .reset_tokens = seconds(1)},
             true,
             3000},
        Said{"more_than_anybody_has", {.limit_requests = kHuge, .limit_tokens = kHuge}, true, 3000},
        Said{"one_of_each", {.limit_requests = 1, .limit_tokens = 1}, true, 1}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace embedd
