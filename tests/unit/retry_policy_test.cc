// Every rule of retrying, one row each.
#include "core/retry_policy.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

struct Rule {
  const char* name;
  Failure failure;
  Verdict expected;
};

class Rules : public testing::TestWithParam<Rule> {};

TEST_P(Rules, Hold) { EXPECT_EQ(verdict(GetParam().failure), GetParam().expected); }

INSTANTIATE_TEST_SUITE_P(
    Verdict, Rules,
    testing::Values(
        // The endpoint's troubles are nobody's fault (G7).
        Rule{"rate_limit_holds", {.kind = ErrorKind::rate_limited, .jobs = 100}, Verdict::hold},
        Rule{"rate_limit_alone_holds", {.kind = ErrorKind::rate_limited, .attempt = 4}, Verdict::hold},
        Rule{"quota_holds", {.kind = ErrorKind::quota_exhausted, .jobs = 100}, Verdict::hold},
        Rule{"wrong_key_holds", {.kind = ErrorKind::unauthenticated, .attempt = 4}, Verdict::hold},
        Rule{"canceled_holds", {.kind = ErrorKind::canceled, .jobs = 3}, Verdict::hold},
        Rule{"outage_splits_in_case_one_row_causes_it",
             {.kind = ErrorKind::unavailable, .jobs = 2},
             Verdict::split},
        Rule{"outage_alone_holds", {.kind = ErrorKind::unavailable, .attempt = 4}, Verdict::hold},
        Rule{"failing_alone_at_a_healthy_endpoint_is_set_aside",
             {.kind = ErrorKind::unavailable, .attempt = 4, .endpoint_healthy = true},
             Verdict::set_aside},
        // The request is at fault: find the culprit (G6).
        Rule{"too_large_splits", {.kind = ErrorKind::too_large, .jobs = 2}, Verdict::split},
        Rule{"too_large_alone_shrinks", {.kind = ErrorKind::too_large}, Verdict::shrink},
        Rule{"rejected_splits",
             {.kind = ErrorKind::rejected, .jobs = 2, .accepted_before = true},
             Verdict::split},
        Rule{"rejected_alone_is_discarded",
             {.kind = ErrorKind::rejected, .accepted_before = true},
             Verdict::discard},
        Rule{"rejected_alone_before_anything_was_accepted_is_charged",
             {.kind = ErrorKind::rejected},
             Verdict::charge},
        Rule{"the_last_attempt_discards", {.kind = ErrorKind::rejected, .attempt = 4}, Verdict::discard},
        Rule{"invalid_answer_splits", {.kind = ErrorKind::invalid_answer, .jobs = 8}, Verdict::split},
        Rule{"invalid_answer_alone_is_charged",
             {.kind = ErrorKind::invalid_answer, .accepted_before = true},
             Verdict::charge},
        Rule{"invalid_answer_five_times_is_discarded",
             {.kind = ErrorKind::invalid_answer, .attempt = 4, .accepted_before = true},
             Verdict::discard},
        // Every row would fail: it is the declaration, or may be.
        Rule{
            "misconfigured_pauses", {.kind = ErrorKind::misconfigured, .jobs = 8}, Verdict::pause_vectorizer},
        Rule{"nothing_ever_accepted_is_doubted",
             {.kind = ErrorKind::rejected, .attempt = 4, .failed_alone = 8},
             Verdict::doubt},
        Rule{"a_hundred_in_a_row_are_doubted",
             {.kind = ErrorKind::rejected, .accepted_before = true, .failed_alone = 100},
             Verdict::doubt}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Backoff, GrowsToItsCapAndIsJittered) {
  Random random(1);
  Duration previous{};
  for (unsigned failures = 1; failures < 40; ++failures) {
    const Duration wait = backoff(seconds(1), minutes(1), failures, random);
    EXPECT_LE(wait, minutes(1));
    EXPECT_GE(wait, milliseconds(750));
    if (failures < 5) {
      EXPECT_GT(wait, previous);
    }
    previous = wait;
  }
  EXPECT_GE(previous, seconds(45));
}

TEST(EndpointPause, HonoursTheServersWishWithinReason) {
  Random random(1);
  EXPECT_EQ(endpoint_pause(ErrorKind::rate_limited, 9, seconds(3), random), seconds(3));
  EXPECT_EQ(endpoint_pause(ErrorKind::rate_limited, 1, std::chrono::hours(30), random),
            std::chrono::hours(1));
  EXPECT_GT(endpoint_pause(ErrorKind::rate_limited, 1, Duration(-5), random), Duration{});
}

TEST(EndpointPause, IsLongerForWhatOnlyAPersonCanMend) {
  Random random(1);
  EXPECT_GE(endpoint_pause(ErrorKind::unauthenticated, 1, std::nullopt, random), seconds(10));
  EXPECT_GE(endpoint_pause(ErrorKind::quota_exhausted, 1, std::nullopt, random), seconds(20));
  EXPECT_LE(endpoint_pause(ErrorKind::unavailable, 1, std::nullopt, random), seconds(1));
  EXPECT_LE(endpoint_pause(ErrorKind::quota_exhausted, 50, std::nullopt, random), minutes(15));
}

TEST(Random, TokensAreDistinctVersion4Uuids) {
  Random random(1);
  const LeaseToken one = random.lease_token();
  const LeaseToken two = random.lease_token();
  EXPECT_NE(one, two);
  EXPECT_EQ(one[6] >> 4, 4);
  EXPECT_EQ(one[8] >> 6, 2);
}

}  // namespace
}  // namespace embedd
