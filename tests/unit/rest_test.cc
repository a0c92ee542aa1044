// Rests of a vectorizer: how long, and what ends them.
#include "core/rest.h"

#include <gtest/gtest.h>

#include "core/retry_policy.h"

namespace embedd {
namespace {

constexpr Instant kNow = Instant{} + seconds(1000);

TEST(Rest, BeginsWithNone) {
  const Rest rest;
  EXPECT_FALSE(rest.resting(kNow));
  EXPECT_FALSE(rest.probing());
}

TEST(Rest, GrowsFromRestToRestUntilAVectorIsStored) {
  struct Case {
    bool rows;
    Duration longest;
  };
  for (const auto& [rows, longest] : {Case{false, minutes(5)}, Case{true, minutes(1)}}) {
    Rest rest;
    Random random(1);
    rest.blame_rows(rows);
    Duration length = rest.begin("refused", kNow, random);
    EXPECT_LE(length, seconds(5));
    for (int i = 0; i < 20; ++i) {
      length = rest.begin("refused again", kNow, random);
      EXPECT_EQ(rest.until(), kNow + length);
      EXPECT_TRUE(rest.resting(kNow + length - milliseconds(1)));
      EXPECT_FALSE(rest.resting(kNow + length));
      EXPECT_LE(length, longest);
    }
    EXPECT_GE(length, longest * 3 / 4);
    EXPECT_EQ(rest.because(), "refused again");
    EXPECT_TRUE(rest.vector_stored());
    EXPECT_LE(rest.begin("refused", kNow, random), seconds(5));
  }
}

struct Case {
  const char* name;
  void (*happens)(Rest&, Random&);
  bool resting;
  bool probing;
  std::uint32_t probe_rows;
};

class Rests : public testing::TestWithParam<Case> {};

TEST_P(Rests, EndAsWhatHappenedSays) {
  Rest rest;
  Random random(1);
  GetParam().happens(rest, random);
  EXPECT_EQ(rest.resting(kNow), GetParam().resting);
  EXPECT_EQ(rest.probing(), GetParam().probing);
  EXPECT_EQ(rest.probe_rows(), GetParam().probe_rows);
}

INSTANTIATE_TEST_SUITE_P(
    Rest, Rests,
    testing::Values(
        Case{"refused", [](Rest& r, Random& random) { r.begin("", kNow, random); }, true, true, 1},
        Case{"its_time_is_over", [](Rest& r, Random& random) { r.begin("", kNow - seconds(5), random); },
             false, true, 1},
        Case{"another_declaration",
             [](Rest& r, Random& random) {
               r.begin("", kNow, random);
               r.cut_short();
             },
             false, true, 1},
        Case{"row_after_row_refused",
             [](Rest& r, Random& random) {
               r.blame_rows(true);
               r.begin("", kNow, random);
             },
             true, true, kRefusedProbeRows},
        Case{"not_the_rows_after_all",
             [](Rest& r, Random& random) {
               r.blame_rows(true);
               r.begin("", kNow, random);
               r.blame_rows(false);
             },
             true, true, 1},
        // What was in flight as it began: the time stays as it was said.
        Case{"stored_meanwhile",
             [](Rest& r, Random& random) {
               r.blame_rows(true);
               r.begin("", kNow, random);
               EXPECT_TRUE(r.vector_stored());
               EXPECT_FALSE(r.vector_stored());
             },
             true, false, 1}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace embedd
