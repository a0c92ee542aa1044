// What an estimate makes of counted texts: the tokens that are paid for, and the time that the limits allow.
#include "app/estimate.h"

#include <gtest/gtest.h>

namespace {

using embedd::EndpointLimits;
using embedd::LongTexts;
using embedd::app::least_minutes;
using embedd::app::paid_tokens;

TEST(Estimate, PaysForWhatTheModelTakesOfALongText) {
  EXPECT_EQ(paid_tokens(100, 100, LongTexts::truncate), 100u);
  EXPECT_EQ(paid_tokens(100, 100, LongTexts::discard), 100u);
  EXPECT_EQ(paid_tokens(101, 100, LongTexts::truncate), 100u);
  EXPECT_EQ(paid_tokens(101, 100, LongTexts::discard), 0u);
  EXPECT_EQ(paid_tokens(101, 100, LongTexts::average), 101u);
}

TEST(Estimate, TakesTheTimeOfTheTightestLimit) {
  EndpointLimits limits;
  limits.max_inputs = 10;
  limits.max_request_tokens = 1000;
  limits.requests_per_minute = 0;
  limits.tokens_per_minute = 0;
  EXPECT_EQ(least_minutes(limits, 1000, 50'000), 0.0) << "no limit is configured";
  limits.requests_per_minute = 20;
  EXPECT_EQ(least_minutes(limits, 1000, 50'000), 5.0) << "a hundred requests of ten texts each";
  EXPECT_EQ(least_minutes(limits, 1001, 50'000), 5.05) << "one more text is one more request";
  EXPECT_EQ(least_minutes(limits, 1000, 200'000), 10.0) << "two hundred requests of 1,000 tokens each";
  limits.tokens_per_minute = 5'000;
  EXPECT_EQ(least_minutes(limits, 1000, 50'000), 10.0) << "the tokens are the tighter limit";
}

}  // namespace
