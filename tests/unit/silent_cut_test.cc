// When a server is found to cut texts and to say nothing, and which texts are asked for alone to find it.
#include "core/silent_cut.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace embedd {
namespace {

constexpr std::size_t kOurLimit = 8191;

/// What is found after answers to single texts, each of so many bytes and tokens.
std::optional<SilentCut::Found> after(const std::vector<std::pair<std::size_t, std::uint64_t>>& texts,
                                      std::size_t our_limit = kOurLimit) {
  SilentCut cut;
  for (const auto& [bytes, tokens] : texts)
    if (const auto found = cut.answered(1, bytes, tokens, our_limit)) return found;
  return std::nullopt;
}

TEST(SilentCut, IsFoundWhereLongTextsHaveOneNumberOfTokens) {
  for (const std::uint64_t limit : {128U, 256U, 512U, 2048U}) {
    const auto found = after({{200, 50}, {5 * limit, limit}, {9 * limit, limit}, {12 * limit, limit}});
    ASSERT_TRUE(found) << limit;
    EXPECT_EQ(found->tokens, limit);
    EXPECT_EQ(found->bytes, 5 * limit);
  }
  EXPECT_TRUE(after({{5000, 512}, {5100, 512}, {5200, 512}}))
      << "no language has so few tokens for so many bytes";
}

TEST(SilentCut, IsNotFoundWhereTokensFollowTheText) {
  EXPECT_FALSE(after({{2000, 500}, {4000, 1000}, {8000, 2000}, {16'000, 4000}}));
  EXPECT_FALSE(after({{2000, 512}, {4000, 512}, {6000, 513}})) << "one of them has more";
  EXPECT_FALSE(after({{5000, 512}, {9000, 512}})) << "two may agree by chance";
  EXPECT_FALSE(after({{20, 5}, {40, 5}, {60, 5}})) << "short texts often do";
  EXPECT_FALSE(after({{2000, 512}, {2100, 512}, {2300, 512}})) << "pieces that somebody cut to this length";
  EXPECT_FALSE(after({{40'000, 8191}, {80'000, 8191}, {120'000, 8191}})) << "it was we who cut them";
}

TEST(SilentCut, IsDisprovedByAnAnswerToSeveralTexts) {
  SilentCut cut;
  EXPECT_FALSE(cut.answered(1, 4000, 512, kOurLimit));
  EXPECT_FALSE(cut.answered(1, 8000, 512, kOurLimit));
  EXPECT_FALSE(cut.answered(4, 40'000, 4 * 512 + 1, kOurLimit)) << "one of the four has more than 512";
  EXPECT_FALSE(cut.answered(1, 9000, 512, kOurLimit));
  EXPECT_FALSE(cut.answered(1, 18'000, 512, kOurLimit));
}

TEST(SilentCut, IsSaidOnce) {
  SilentCut cut;
  int found = 0;
  for (std::size_t bytes = 4000; bytes < 100'000; bytes += 1000)
    found += cut.answered(1, bytes, 512, kOurLimit) ? 1 : 0;
  EXPECT_EQ(found, 1);
  EXPECT_FALSE(cut.asks_alone(200'000));
}

TEST(SilentCut, AsksForAFewLongTextsAlone) {
  SilentCut cut;
  EXPECT_FALSE(cut.asks_alone(500)) << "short ones tell nothing";
  int asked = 0;
  for (int round = 0; round < 100; ++round)
    for (std::size_t bytes = 1000; bytes < 300'000; bytes += 100) asked += cut.asks_alone(bytes) ? 1 : 0;
  EXPECT_GE(asked, 10);
  EXPECT_LE(asked, 50);
}

TEST(SilentCut, AsksForAFewMoreWhereTwoAgree) {
  SilentCut cut;
  EXPECT_TRUE(cut.asks_alone(5000));
  EXPECT_FALSE(cut.asks_alone(5100));
  cut.answered(1, 5000, 600, kOurLimit);
  cut.answered(1, 4700, 600, kOurLimit);
  int asked = 0;
  for (int text = 0; text < 100; ++text) asked += cut.asks_alone(5100) ? 1 : 0;
  EXPECT_EQ(asked, 6);
}

TEST(SilentCut, AsksForNothingWhereTheServerDoesNotCount) {
  SilentCut cut;
  cut.answered(1, 5000, 0, kOurLimit);
  EXPECT_FALSE(cut.asks_alone(9000));
}

}  // namespace
}  // namespace embedd
