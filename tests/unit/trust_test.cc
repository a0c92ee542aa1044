// Doubts about a vectorizer, and what its canary decides.
#include "core/trust.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

struct Case {
  const char* name;
  void (*happens)(Trust&);
  bool doubted;
  bool canary_wanted;
  bool accepted_before = false;
  std::size_t failed_alone = 0;
};

class Doubt : public testing::TestWithParam<Case> {};

TEST_P(Doubt, IsAsWhatHappenedSays) {
  Trust trust;
  GetParam().happens(trust);
  EXPECT_EQ(trust.doubted(), GetParam().doubted);
  EXPECT_EQ(trust.canary_wanted(), GetParam().canary_wanted);
  EXPECT_EQ(trust.accepted_before(), GetParam().accepted_before);
  EXPECT_EQ(trust.rows_failed_alone(), GetParam().failed_alone);
}

void doubt_and_ask(Trust& trust) {
  trust.failed_alone();
  trust.doubt();
  trust.canary_sent();
}

INSTANTIATE_TEST_SUITE_P(Trust, Doubt,
                         testing::Values(Case{"nothing_happened", [](Trust&) {}, false, false},
                                         Case{"rows_fail_alone",
                                              [](Trust& t) {
                                                t.failed_alone();
                                                t.failed_alone();
                                              },
                                              false, false, false, 2},
                                         Case{"a_request_is_accepted",
                                              [](Trust& t) {
                                                t.failed_alone();
                                                t.accepted();
                                              },
                                              false, false, true, 0},
                                         Case{"doubted", [](Trust& t) { t.doubt(); }, true, true},
                                         Case{"asked", [](Trust& t) { doubt_and_ask(t); }, true, false, false,
                                              1},
                                         Case{"accepted_before_the_canary_was_sent",
                                              [](Trust& t) {
                                                t.doubt();
                                                t.accepted();
                                              },
                                              false, false, true},
                                         Case{"the_canary_is_accepted",
                                              [](Trust& t) {
                                                doubt_and_ask(t);
                                                EXPECT_TRUE(t.canary_answered());
                                                t.accepted();
                                              },
                                              false, false, true},
                                         Case{"the_canary_is_refused",
                                              [](Trust& t) {
                                                doubt_and_ask(t);
                                                EXPECT_TRUE(t.canary_answered());
                                                t.settle_doubt();
                                              },
                                              false, false, false, 1},
                                         Case{"the_endpoint_fails_the_canary_which_is_sent_again",
                                              [](Trust& t) {
                                                doubt_and_ask(t);
                                                EXPECT_TRUE(t.canary_answered());
                                              },
                                              true, true, false, 1},
                                         Case{"another_request_is_accepted_meanwhile",
                                              [](Trust& t) {
                                                doubt_and_ask(t);
                                                t.accepted();
                                              },
                                              false, false, true},
                                         Case{"then_the_canary_decides_nothing",
                                              [](Trust& t) {
                                                doubt_and_ask(t);
                                                t.accepted();
                                                EXPECT_FALSE(t.canary_answered());
                                              },
                                              false, false, true},
                                         Case{"doubted_anew_while_a_canary_is_in_flight",
                                              [](Trust& t) {
                                                doubt_and_ask(t);
                                                t.accepted();
                                                t.doubt();
                                              },
                                              true, false, true},
                                         Case{"that_canary_decides",
                                              [](Trust& t) {
                                                doubt_and_ask(t);
                                                t.accepted();
                                                t.doubt();
                                                EXPECT_TRUE(t.canary_answered());
                                              },
                                              true, true, true},
                                         Case{"it_rests_while_the_canary_is_in_flight",
                                              [](Trust& t) {
                                                doubt_and_ask(t);
                                                t.settle_doubt();
                                                EXPECT_FALSE(t.canary_answered());
                                              },
                                              false, false, false, 1}),
                         [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace embedd
