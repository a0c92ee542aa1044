// What an endpoint was found to take: what makes it less, and what makes it more.
#include "core/found_limits.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

constexpr std::size_t kAny = std::numeric_limits<std::size_t>::max();

/// A request of so many jobs, each in so many pieces (0: whole).
Batch batch(std::size_t jobs, std::size_t pieces = 0) {
  Batch batch;
  batch.jobs.resize(jobs);
  for (LeasedJob& leased : batch.jobs) leased.pieces.resize(pieces);
  batch.travelling.resize(jobs * std::max<std::size_t>(pieces, 1));
  return batch;
}

void accept_after_refusal(FoundLimits& limits, std::uint32_t refused, std::size_t jobs) {
  Batch smaller = batch(jobs);
  const auto refusal = std::make_shared<Refusal>(Refusal{.inputs = refused, .jobs = jobs});
  for (LeasedJob& leased : smaller.jobs) leased.refusal = refusal;
  limits.accepted(smaller);
}

struct Case {
  const char* name;
  void (*happens)(FoundLimits&);
  std::uint32_t inputs = InputLimit::kNone;
  std::size_t tokens = kAny;
  std::size_t pieces = kAny;
};

class Found : public testing::TestWithParam<Case> {};

TEST_P(Found, LimitsAreAsWhatHappenedSays) {
  FoundLimits limits;
  GetParam().happens(limits);
  EXPECT_EQ(limits.most_inputs(), GetParam().inputs);
  EXPECT_EQ(limits.most_tokens(), GetParam().tokens);
  EXPECT_EQ(limits.most_pieces(), GetParam().pieces);
}

INSTANTIATE_TEST_SUITE_P(
    FoundLimits, Found,
    testing::Values(
        Case{"nothing_is_known", [](FoundLimits&) {}},
        Case{"accepted_requests_teach_nothing_by_themselves", [](FoundLimits& l) { l.accepted(batch(10)); }},
        Case{"half_of_what_was_refused", [](FoundLimits& l) { l.too_large(batch(100)); }, 50},
        Case{"more_again_with_what_is_accepted",
             [](FoundLimits& l) {
               l.too_large(batch(100));
               l.accepted(batch(50));
             },
             56},
        Case{"all_jobs_of_a_refused_request_are_accepted",
             [](FoundLimits& l) { accept_after_refusal(l, 100, 50); }, 50},
        Case{"the_refusal_names_a_number",
             [](FoundLimits& l) { EXPECT_TRUE(l.heed_inputs(batch(100), {.inputs = 32})); }, 32},
        Case{"the_refusal_names_none", [](FoundLimits& l) { EXPECT_FALSE(l.heed_inputs(batch(100), {})); }},
        Case{"the_number_is_not_less_than_was_sent",
             [](FoundLimits& l) { EXPECT_FALSE(l.heed_inputs(batch(32), {.inputs = 32})); }},
        Case{"one_text_has_more_pieces",
             [](FoundLimits& l) { EXPECT_FALSE(l.heed_inputs(batch(2, 40), {.inputs = 32})); }},
        Case{"an_input_is_refused",
             [](FoundLimits& l) {
               EXPECT_TRUE(l.input_refused(1000, {.text_tokens = 512, .found_tokens = 1000}, true));
             },
             InputLimit::kNone, 512},
        Case{"a_longer_input_is_refused_too",
             [](FoundLimits& l) {
               l.input_refused(1000, {.text_tokens = 512, .found_tokens = 1000}, true);
               EXPECT_FALSE(l.input_refused(2000, {.text_tokens = 512, .found_tokens = 2000}, true));
             },
             InputLimit::kNone, 512},
        Case{"fewer_pieces_are_accepted",
             [](FoundLimits& l) {
               Batch narrowed = batch(1, 16);
               narrowed.jobs.front().narrowed = true;
               l.accepted(narrowed);
             },
             InputLimit::kNone, kAny, 18},
        Case{"as_many_pieces_as_were_left_are_accepted",
             [](FoundLimits& l) {
               Batch narrowed = batch(1, 16);
               narrowed.jobs.front().narrowed = true;
               l.accepted(narrowed);
               l.accepted(batch(1, 18));
             },
             InputLimit::kNone, kAny, 20},
        Case{"what_others_learned", [](FoundLimits& l) { l.begin_with({.inputs = 10, .text_tokens = 99}); },
             10, 99},
        Case{"a_fresh_start",
             [](FoundLimits& l) {
               l.heed_inputs(batch(100), {.inputs = 32});
               l.input_refused(1000, {}, true);
               Batch narrowed = batch(1, 16);
               narrowed.jobs.front().narrowed = true;
               l.accepted(narrowed);
               l.begin_with({});
             }}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(FoundLimits, AreToldToOthers) {
  FoundLimits limits;
  EXPECT_EQ(limits.learned(true), LearnedLimits{});
  limits.heed_inputs(batch(100), {.inputs = 32});
  EXPECT_EQ(limits.learned(true), (LearnedLimits{.inputs = 32}));
  limits.input_refused(1000, {.text_tokens = 512, .found_tokens = 1000}, true);
  EXPECT_EQ(limits.learned(true), (LearnedLimits{.inputs = 32, .text_tokens = 512, .counted = true}));
  EXPECT_FALSE(limits.learned(false).counted);
}

}  // namespace
}  // namespace embedd
