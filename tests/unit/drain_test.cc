// A stop, step by step.
#include "core/drain.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

constexpr Instant kNow = Instant{} + seconds(1000);

TEST(Drain, WaitsForAnswersThenCancelsOnceThenGivesUp) {
  struct Step {
    Duration at;
    bool cancels;
    bool gives_up;
    Duration next;
  };
  Drain drain;
  EXPECT_FALSE(drain.begun());
  EXPECT_FALSE(drain.cancels(kNow));
  EXPECT_TRUE(drain.begin(seconds(30), kNow));
  EXPECT_FALSE(drain.begin(seconds(30), kNow + seconds(20))) << "it begins once";
  for (const auto& [at, cancels, gives_up, next] : {
           Step{{}, false, false, seconds(30)},
           Step{seconds(29), false, false, seconds(30)},
           Step{seconds(31), true, false, seconds(36)},
           Step{seconds(32), false, false, seconds(36)},
           Step{seconds(36), false, true, seconds(36)},
       }) {
    EXPECT_EQ(drain.cancels(kNow + at), cancels) << to_seconds(at);
    EXPECT_EQ(drain.gives_up(kNow + at), gives_up) << to_seconds(at);
    EXPECT_EQ(drain.next() - kNow, next) << to_seconds(at);
  }
  EXPECT_TRUE(drain.begun());
}

TEST(Drain, CanBeHurriedBeforeItBeginsAndAfterwards) {
  for (const bool before : {true, false}) {
    Drain drain;
    if (before) drain.hurry();
    EXPECT_FALSE(drain.cancels(kNow)) << "nothing is canceled unless the worker stops";
    drain.begin(seconds(30), kNow);
    if (!before) {
      EXPECT_FALSE(drain.cancels(kNow));
      drain.hurry();
    }
    EXPECT_TRUE(drain.cancels(kNow));
    EXPECT_FALSE(drain.cancels(kNow));
    EXPECT_TRUE(drain.gives_up(kNow + seconds(5)));
  }
}

}  // namespace
}  // namespace embedd
