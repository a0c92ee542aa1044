// When a worker that runs once is done.
#include "core/once_watch.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

struct Case {
  const char* name;
  void (*happens)(OnceWatch&);
  bool done;
};

class Once : public testing::TestWithParam<Case> {};

TEST_P(Once, IsDoneOnceAPollFoundNothingAndNothingChanged) {
  OnceWatch watch;
  GetParam().happens(watch);
  EXPECT_EQ(watch.done(), GetParam().done);
}

INSTANTIATE_TEST_SUITE_P(OnceWatch, Once,
                         testing::Values(Case{"before_the_first_poll", [](OnceWatch&) {}, false},
                                         Case{"nothing_to_do",
                                              [](OnceWatch& w) {
                                                w.poll_sent();
                                                w.poll_answered(true, false, {});
                                              },
                                              true},
                                         Case{"something_to_do",
                                              [](OnceWatch& w) {
                                                w.poll_sent();
                                                w.poll_answered(false, false, {});
                                              },
                                              false},
                                         Case{"progress_before_the_poll",
                                              [](OnceWatch& w) {
                                                w.progress();
                                                w.poll_sent();
                                                w.poll_answered(true, false, {});
                                              },
                                              true},
                                         Case{"progress_since_the_poll_was_asked",
                                              [](OnceWatch& w) {
                                                w.poll_sent();
                                                w.progress();
                                                w.poll_answered(true, false, {});
                                              },
                                              false},
                                         Case{"the_last_poll_decides",
                                              [](OnceWatch& w) {
                                                w.poll_sent();
                                                w.poll_answered(true, false, {});
                                                w.poll_sent();
                                                w.poll_answered(false, false, {});
                                              },
                                              false}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(OnceWatch, WaitsForRowsThatWillBeDueSoonButNotForEver) {
  OnceWatch watch;
  const auto done_after = [&](Duration since) {
    watch.poll_sent();
    watch.poll_answered(true, true, Instant(since));
    return watch.done();
  };
  EXPECT_FALSE(done_after(seconds(0)));
  EXPECT_FALSE(done_after(seconds(19)));
  EXPECT_TRUE(done_after(seconds(20)));
  watch.poll_sent();
  watch.poll_answered(false, false, Instant(seconds(21)));
  EXPECT_FALSE(done_after(seconds(30))) << "other rows than before";
  watch.progress();
  EXPECT_FALSE(done_after(seconds(40)));
  watch.progress();
  EXPECT_TRUE(done_after(seconds(50))) << "looking at such a row is progress, and must not go on for ever";
}

TEST(OnceWatch, TellsWhetherAnotherPollCouldSaySomethingNew) {
  OnceWatch watch;
  EXPECT_FALSE(watch.changed());
  watch.progress();
  EXPECT_TRUE(watch.changed());
  watch.poll_sent();
  EXPECT_FALSE(watch.changed());
}

}  // namespace
}  // namespace embedd
