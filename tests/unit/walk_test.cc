// Walks: which page comes next, and when.
#include "core/walk.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

using Page = WalkPage::Progress;

constexpr Instant kNow = Instant{} + seconds(1000);

struct Case {
  const char* name;
  Page page;
  bool under_way;
  const char* cursor;
  bool routine;
  bool deferred;
};

class Pages : public testing::TestWithParam<Case> {};

TEST_P(Pages, SayHowTheWalkGoesOn) {
  Walk walk;
  EXPECT_FALSE(walk.ready(kNow)) << "no walk is due";
  walk.begin();
  EXPECT_TRUE(walk.ready(kNow));
  EXPECT_EQ(walk.cursor(), "");
  walk.page_sent();
  EXPECT_FALSE(walk.ready(kNow)) << "one page at a time";
  walk.walked(GetParam().page);
  EXPECT_FALSE(walk.page_on_its_way());
  EXPECT_EQ(walk.under_way(), GetParam().under_way);
  EXPECT_EQ(walk.cursor(), GetParam().cursor);
  EXPECT_EQ(walk.routine(), GetParam().routine);
  EXPECT_EQ(walk.deferred(), GetParam().deferred);
  walk.pause_until(kNow + seconds(2));
  EXPECT_FALSE(walk.ready(kNow + seconds(1)));
  EXPECT_EQ(walk.ready(kNow + seconds(2)), GetParam().under_way);
}

INSTANTIATE_TEST_SUITE_P(
    Walk, Pages,
    testing::Values(
        Case{"a_page_in_the_midst", {.next = "k"}, true, "k", false, false},
        Case{"a_page_of_a_routine_walk", {.routine = true, .next = "k"}, true, "k", true, false},
        Case{"the_last_page", {.finished = true, .next = "k"}, false, "", false, false},
        Case{"the_last_page_of_a_routine_walk", {.finished = true, .routine = true}, false, "", false, false},
        Case{"a_page_that_waits_for_the_queue", {.deferred = true, .next = "k"}, true, "k", false, true}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Walk, RepeatsAPageThatFailsLessAndLessOften) {
  Walk walk;
  Random random(1);
  walk.begin();
  walk.page_sent();
  walk.walked({.next = "k"});
  Duration longest{};
  for (int i = 0; i < 10; ++i) {
    walk.page_sent();
    walk.failed(kNow, random);
    EXPECT_FALSE(walk.ready(kNow));
    EXPECT_TRUE(walk.ready(kNow + seconds(30)));
    EXPECT_EQ(walk.cursor(), "k") << "the page stays the same";
    longest = std::max(longest, walk.next_page_at() - kNow);
  }
  EXPECT_GE(longest, milliseconds(22'500));
}

struct PauseCase {
  Page page;
  bool hurried;
  Duration pause;
};

TEST(Walk, PausesWhereNobodyWaitsForIt) {
  const Duration took = milliseconds(10);
  for (const auto& [page, hurried, pause] : {
           PauseCase{{.took = took}, false, {}},
           PauseCase{{.routine = true, .took = took}, false, milliseconds(190)},
           PauseCase{{.routine = true, .took = took}, true, {}},
           PauseCase{{.enqueued = 1, .routine = true, .took = took}, false, {}},
           PauseCase{{.routine = true, .took = took, .deferred = true}, false, seconds(1)},
           PauseCase{{.took = took, .deferred = true}, true, seconds(1)},
       })
    EXPECT_NEAR(to_seconds(pause_after(page, hurried, 0.1, 2)), to_seconds(pause), 1e-6)
        << page.routine << page.enqueued << page.deferred << hurried;
}

}  // namespace
}  // namespace embedd
