// Every rule of retrying, one row each.
#include "core/retry_policy.h"

#include <gtest/gtest.h>

#include "core/job.h"

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
        // The endpoint's problems are nobody's fault (G7).
        Rule{"rate_limit_holds", {.kind = ErrorKind::rate_limited, .jobs = 100}, Verdict::wait},
        Rule{"rate_limit_alone_holds", {.kind = ErrorKind::rate_limited, .attempt = 4}, Verdict::wait},
        Rule{"quota_holds", {.kind = ErrorKind::quota_exhausted, .jobs = 100}, Verdict::wait},
        Rule{"wrong_key_holds", {.kind = ErrorKind::unauthenticated, .attempt = 4}, Verdict::wait},
        Rule{"canceled_holds", {.kind = ErrorKind::canceled, .jobs = 3}, Verdict::wait},
        Rule{"outage_splits_in_case_one_row_causes_it",
             {.kind = ErrorKind::unavailable, .jobs = 2},
             Verdict::split},
        Rule{"outage_alone_holds", {.kind = ErrorKind::unavailable, .attempt = 4}, Verdict::wait},
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
        Rule{"misconfigured_pauses", {.kind = ErrorKind::misconfigured, .jobs = 8}, Verdict::rest_vectorizer},
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

/// A server's wish, and within what the pause is.
struct Wish {
  const char* name;
  ErrorKind kind;
  unsigned failures;
  std::optional<Duration> retry_after;
  Duration at_least, at_most;
};

class EndpointPauses : public testing::TestWithParam<Wish> {};

TEST_P(EndpointPauses, AreLengthenedByTheServerAndNeverShortened) {
  const Wish& wish = GetParam();
  Random random(1);
  for (int time = 0; time < 100; ++time) {
    const Duration pause = endpoint_pause(wish.kind, wish.failures, wish.retry_after, random);
    EXPECT_GE(pause, wish.at_least);
    EXPECT_LE(pause, wish.at_most);
  }
}

constexpr Duration kHour = std::chrono::hours(1);
INSTANTIATE_TEST_SUITE_P(
    Wishes, EndpointPauses,
    testing::Values(
        Wish{"longer", ErrorKind::rate_limited, 1, seconds(3), seconds(3), seconds(3)},
        Wish{"longest", ErrorKind::rate_limited, 1, std::chrono::hours(30), kHour, kHour},
        Wish{"none", ErrorKind::rate_limited, 1, std::nullopt, milliseconds(750), seconds(1)},
        Wish{"zero", ErrorKind::rate_limited, 1, Duration{}, milliseconds(750), seconds(1)},
        Wish{"a_millisecond", ErrorKind::rate_limited, 1, milliseconds(1), milliseconds(750), seconds(1)},
        Wish{"in_the_past", ErrorKind::rate_limited, 1, Duration(-5), milliseconds(750), seconds(1)},
        Wish{"shorter_after_many", ErrorKind::rate_limited, 9, seconds(3), seconds(45), minutes(1)},
        Wish{"zero_of_an_outage", ErrorKind::unavailable, 1, Duration{}, milliseconds(375),
             milliseconds(500)},
        Wish{"zero_of_a_long_outage", ErrorKind::unavailable, 50, Duration{}, seconds(45), minutes(1)},
        Wish{"zero_without_money", ErrorKind::quota_exhausted, 1, Duration{}, seconds(22), seconds(30)},
        Wish{"zero_with_a_wrong_key", ErrorKind::unauthenticated, 1, Duration{}, seconds(11), seconds(15)}),
    [](const auto& test) { return std::string(test.param.name); });

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

// ── What the database says

struct SettlementRule {
  const char* name;
  SettlementFailure failure;
  SettlementVerdict expected;
};

class SettlementRules : public testing::TestWithParam<SettlementRule> {};

TEST_P(SettlementRules, Hold) { EXPECT_EQ(settlement_verdict(GetParam().failure), GetParam().expected); }

INSTANTIATE_TEST_SUITE_P(
    Verdict, SettlementRules,
    testing::Values(
        // The database's problems: nothing is lost by asking again (G1).
        SettlementRule{"doubt_is_resolved_by_sending_again",
                       {.kind = ErrorKind::in_doubt, .jobs = 100, .tries = 50},
                       SettlementVerdict::resend},
        SettlementRule{"an_outage_is_waited_for",
                       {.kind = ErrorKind::unavailable, .jobs = 100, .tries = 50},
                       SettlementVerdict::resend},
        SettlementRule{"an_extension_that_failed_is_left_to_the_next_sweep",
                       {.kind = ErrorKind::unavailable, .action = Action::extend},
                       SettlementVerdict::let_go},
        // Users never wait, and vectors do not wait in memory (G5).
        SettlementRule{"a_locked_table_is_asked_again",
                       {.kind = ErrorKind::conflict, .jobs = 100, .tries = 3},
                       SettlementVerdict::resend},
        SettlementRule{"a_table_that_stays_locked_gets_its_vectors_into_the_queue",
                       {.kind = ErrorKind::conflict, .jobs = 100, .tries = 4},
                       SettlementVerdict::keep},
        SettlementRule{"what_is_kept_already_is_sent_again",
                       {.kind = ErrorKind::conflict, .action = Action::keep, .tries = 9},
                       SettlementVerdict::resend},
        SettlementRule{"what_takes_too_long_is_split",
                       {.kind = ErrorKind::canceled, .jobs = 2},
                       SettlementVerdict::split},
        SettlementRule{"a_row_that_takes_too_long_alone_is_kept",
                       {.kind = ErrorKind::canceled},
                       SettlementVerdict::keep},
        SettlementRule{"chunks_that_take_too_long_are_tried_again",
                       {.kind = ErrorKind::canceled, .tries = 1, .swaps = true},
                       SettlementVerdict::resend},
        SettlementRule{"chunks_that_take_too_long_each_time_are_discarded",
                       {.kind = ErrorKind::canceled, .tries = 2, .swaps = true},
                       SettlementVerdict::discard},
        SettlementRule{"a_row_that_takes_too_long_to_keep_is_sent_again",
                       {.kind = ErrorKind::canceled, .action = Action::keep},
                       SettlementVerdict::resend},
        // A row is refused: find it (G6).
        SettlementRule{
            "refused_rows_are_split", {.kind = ErrorKind::rejected, .jobs = 2}, SettlementVerdict::split},
        SettlementRule{"a_row_refused_alone_is_discarded",
                       {.kind = ErrorKind::rejected, .stored_before = true, .refused_alone = 5},
                       SettlementVerdict::discard},
        SettlementRule{"a_row_that_will_not_be_cleared_is_discarded",
                       {.kind = ErrorKind::rejected, .action = Action::clear, .refused_alone = 50},
                       SettlementVerdict::discard},
        SettlementRule{"a_discard_that_may_not_touch_the_row_leaves_it_alone",
                       {.kind = ErrorKind::rejected, .action = Action::discard, .clear_vector = true},
                       SettlementVerdict::discard},
        SettlementRule{"a_discard_that_cannot_be_recorded_is_let_go",
                       {.kind = ErrorKind::rejected, .action = Action::discard},
                       SettlementVerdict::let_go},
        // Every row is refused: keep what was paid for (G12).
        SettlementRule{"a_table_that_took_nothing_yet_is_doubted_soon",
                       {.kind = ErrorKind::rejected, .refused_alone = 7},
                       SettlementVerdict::rest},
        SettlementRule{"a_table_that_took_vectors_is_doubted_later",
                       {.kind = ErrorKind::rejected, .stored_before = true, .refused_alone = 19},
                       SettlementVerdict::rest},
        SettlementRule{"what_else_comes_for_a_doubted_table_is_kept_at_once",
                       {.kind = ErrorKind::rejected, .jobs = 500, .refused_alone = 8},
                       SettlementVerdict::rest},
        SettlementRule{"a_probe_of_a_doubted_table_is_split_to_find_a_good_row",
                       {.kind = ErrorKind::rejected, .jobs = kRefusedProbeRows, .refused_alone = 8},
                       SettlementVerdict::split},
        SettlementRule{"missing_privileges_and_broken_triggers_rest",
                       {.kind = ErrorKind::misconfigured, .jobs = 500},
                       SettlementVerdict::rest}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace embedd
