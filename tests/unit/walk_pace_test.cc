// How long walks pause.
#include "core/walk_pace.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

struct Case {
  double share;
  Duration took;
  std::size_t walks;
  Duration pause;
};

TEST(WalkPace, LeavesWalksTheirShareOfTheTime) {
  for (const auto& [share, took, walks, pause] : {
           Case{0.02, milliseconds(100), 1, milliseconds(4'900)},
           Case{0.5, milliseconds(100), 1, milliseconds(100)},
           Case{1, milliseconds(100), 1, Duration{}},
           Case{0.02, milliseconds(100), 3, milliseconds(14'900)},
           Case{1, milliseconds(100), 2, milliseconds(100)},
           Case{0.02, Duration{}, 1, Duration{}},
           Case{0.02, -seconds(5), 1, Duration{}},
           Case{0.02, seconds(10), 1, WalkPace::kLongestPause},
           Case{0.0001, seconds(100'000), 1'000, WalkPace::kLongestPause},
       })
    EXPECT_NEAR(to_seconds(WalkPace(share).pause(took, walks)), to_seconds(pause), 1e-6)
        << share << ", " << to_seconds(took) << " s, " << walks << " walks";
}

TEST(WalkPace, NoPageNeedsALongerPauseThanThereMayBe) {
  for (const double share : {0.0001, 0.02, 0.3, 1.0}) {
    const WalkPace pace(share);
    const Duration page = pace.longest_page();
    EXPECT_GT(page, Duration{});
    EXPECT_NEAR(to_seconds(page) / to_seconds(page + pace.pause(page, 1)), share, share / 1000);
  }
}

}  // namespace
}  // namespace embedd
