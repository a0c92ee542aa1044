// When the next claim goes out, after whatever happened.
#include "core/claim_schedule.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

constexpr Instant kNow = Instant{} + seconds(1000);

struct Case {
  const char* name;
  void (*happens)(ClaimSchedule&);
  bool due;
  bool claiming;
  Duration next;  ///< from kNow; past times: not positive
};

class Schedule : public testing::TestWithParam<Case> {};

TEST_P(Schedule, IsAsWhatHappenedSays) {
  ClaimSchedule schedule;
  GetParam().happens(schedule);
  EXPECT_EQ(schedule.jobs_due(), GetParam().due);
  EXPECT_EQ(schedule.claiming(), GetParam().claiming);
  EXPECT_EQ(std::max(schedule.next_at(), kNow) - kNow, std::max(GetParam().next, Duration{}));
  const bool ready = GetParam().due && !GetParam().claiming;
  EXPECT_EQ(schedule.ready(kNow + GetParam().next), ready);
  EXPECT_FALSE(schedule.ready(kNow + GetParam().next - milliseconds(1)) && GetParam().next > Duration{});
}

void claim(ClaimSchedule& schedule, void (*ends)(ClaimSchedule&)) {
  schedule.sent(kNow);
  ends(schedule);
}

INSTANTIATE_TEST_SUITE_P(
    ClaimSchedule, Schedule,
    testing::Values(Case{"nothing_is_known", [](ClaimSchedule&) {}, false, false, {}},
                    Case{"a_hint", [](ClaimSchedule& s) { s.due_now(kNow); }, true, false, {}},
                    Case{"a_poll", [](ClaimSchedule& s) { s.due(); }, true, false, {}},
                    Case{"a_claim_on_its_way",
                         [](ClaimSchedule& s) {
                           s.due();
                           s.sent(kNow);
                         },
                         true,
                         true,
                         {}},
                    Case{"jobs_left_the_queue", [](ClaimSchedule& s) { s.look_again(kNow); }, true, false,
                         milliseconds(10)},
                    Case{"a_hint_is_sooner_than_another_look",
                         [](ClaimSchedule& s) {
                           s.look_again(kNow);
                           s.due_now(kNow);
                         },
                         true,
                         false,
                         {}},
                    Case{"jobs_left_the_queue_of_one_that_is_due",
                         [](ClaimSchedule& s) {
                           claim(s, [](ClaimSchedule& c) { c.found_none(true, kNow); });
                           claim(s, [](ClaimSchedule& c) { c.found_none(true, kNow); });
                           s.look_again(kNow);
                         },
                         true, false, milliseconds(40)},
                    Case{"a_poll_changes_no_time",
                         [](ClaimSchedule& s) {
                           s.look_again(kNow);
                           s.due();
                         },
                         true, false, milliseconds(10)},
                    Case{"a_full_claim",
                         [](ClaimSchedule& s) { claim(s, [](ClaimSchedule& c) { c.found(true, kNow); }); },
                         true,
                         false,
                         {}},
                    Case{"the_last_jobs_are_followed_up",
                         [](ClaimSchedule& s) { claim(s, [](ClaimSchedule& c) { c.found(false, kNow); }); },
                         true, false, milliseconds(10)},
                    Case{"the_fourth_look_in_vain",
                         [](ClaimSchedule& s) {
                           for (int i = 0; i < 4; ++i)
                             claim(s, [](ClaimSchedule& c) { c.found_none(true, kNow); });
                         },
                         true, false, seconds(1)},
                    Case{"the_fifth_look_in_vain_is_the_last",
                         [](ClaimSchedule& s) {
                           for (int i = 0; i < 5; ++i)
                             claim(s, [](ClaimSchedule& c) { c.found_none(true, kNow); });
                         },
                         false, false, seconds(1)},
                    Case{"jobs_that_left_the_queue_begin_anew",
                         [](ClaimSchedule& s) {
                           for (int i = 0; i < 4; ++i)
                             claim(s, [](ClaimSchedule& c) { c.found_none(true, kNow); });
                           s.look_again(kNow);
                           claim(s, [](ClaimSchedule& c) { c.found_none(true, kNow); });
                         },
                         true, false, milliseconds(10)},
                    Case{"no_follow_up_where_somebody_waits_for_the_end",
                         [](ClaimSchedule& s) {
                           claim(s, [](ClaimSchedule& c) { c.found_none(false, kNow); });
                         },
                         false,
                         false,
                         {}}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(ClaimSchedule, RepeatsAClaimThatFailsLessAndLessOften) {
  ClaimSchedule schedule;
  Random random(1);
  schedule.due();
  Duration longest{};
  for (int i = 0; i < 10; ++i) {
    schedule.sent(kNow);
    schedule.failed(kNow, random);
    EXPECT_FALSE(schedule.claiming());
    EXPECT_TRUE(schedule.jobs_due());
    EXPECT_GE(schedule.next_at(), kNow + milliseconds(150));
    EXPECT_LE(schedule.next_at(), kNow + seconds(5));
    longest = std::max(longest, schedule.next_at() - kNow);
  }
  EXPECT_GE(longest, milliseconds(3750));
  schedule.sent(kNow);
  schedule.found(true, kNow);
  schedule.sent(kNow);
  schedule.failed(kNow, random);
  EXPECT_LE(schedule.next_at(), kNow + milliseconds(200)) << "a claim that was answered begins anew";
}

}  // namespace
}  // namespace embedd
