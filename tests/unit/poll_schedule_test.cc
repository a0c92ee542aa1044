// When polls go out.
#include "core/poll_schedule.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

constexpr Instant kNow = Instant{} + seconds(1000);
constexpr Duration kInterval = seconds(5);

struct Case {
  const char* name;
  void (*happens)(PollSchedule&);
  bool on_its_way;
  Duration next;  ///< from kNow
};

class Polls : public testing::TestWithParam<Case> {};

TEST_P(Polls, GoOutAsWhatHappenedSays) {
  PollSchedule polls;
  EXPECT_TRUE(polls.ready(kNow)) << "the first one goes at once";
  polls.sent(false);
  GetParam().happens(polls);
  const auto& [name, happens, on_its_way, next] = GetParam();
  EXPECT_EQ(polls.on_its_way(), on_its_way);
  EXPECT_EQ(polls.ready(kNow + next), !on_its_way);
  EXPECT_FALSE(polls.ready(kNow + next - milliseconds(1)));
}

INSTANTIATE_TEST_SUITE_P(
    PollSchedule, Polls,
    testing::Values(
        Case{"not_answered", [](PollSchedule&) {}, true, {}},
        Case{"answered", [](PollSchedule& p) { p.answered(false, kInterval, kNow); }, false, kInterval},
        Case{"the_drain_began_since", [](PollSchedule& p) { p.answered(true, kInterval, kNow); }, false, {}},
        Case{"the_drain_is_told",
             [](PollSchedule& p) {
               p.answered(true, kInterval, kNow);
               p.sent(true);
               p.answered(true, kInterval, kNow);
             },
             false, kInterval},
        Case{"failed",
             [](PollSchedule& p) {
               p.answered(false, kInterval, kNow);
               p.plan(kNow + milliseconds(800));
             },
             false, milliseconds(800)},
        Case{"planned_sooner",
             [](PollSchedule& p) {
               p.answered(false, kInterval, kNow);
               p.plan_by(kNow + seconds(1));
             },
             false, seconds(1)},
        Case{"planned_by_a_later_time",
             [](PollSchedule& p) {
               p.answered(false, kInterval, kNow);
               p.plan_by(kNow + seconds(9));
             },
             false, kInterval}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace embedd
