// What is kept in flight at an endpoint, by how long its answers take. Whole servers are in sim/pace_test.cc.
#include "core/endpoint_pace.h"

#include <gtest/gtest.h>

#include "core/patience.h"

namespace embedd {
namespace {

class Pace : public testing::Test {
 protected:
  /// As many answers as requests may be in flight, to requests of as many inputs as they may have.
  void round(Duration took, std::uint32_t most_inputs = 300) {
    const std::uint32_t company = pace.requests();
    const auto inputs = std::min(pace.inputs(), most_inputs);
    for (std::uint32_t i = 0; i < company; ++i)
      pace.answered({.started_at = now,
                     .took = took,
                     .inputs = inputs,
                     .tokens = 50 * std::size_t{inputs},
                     .most = most_inputs,
                     .company = company},
                    now + took);
    now += took;
  }
  [[nodiscard]] std::size_t in_flight() const { return std::size_t{pace.requests()} * pace.inputs(); }

  EndpointPace pace;
  Instant now{seconds(1000)};
};

TEST_F(Pace, TheFirstRequestsAreSmall) {
  EXPECT_EQ(pace.requests(), 2U);
  EXPECT_EQ(pace.inputs(), 4U);
}

TEST_F(Pace, PromptAnswersSoonFillWhatTheConfigurationAllows) {
  pace.set_most_requests(64);
  int rounds = 0;
  while (pace.requests() < 64 && rounds < 100) {
    round(milliseconds(200));
    ++rounds;
  }
  EXPECT_LE(rounds, 5);
  EXPECT_GE(pace.inputs(), 300U);
}

TEST_F(Pace, NothingIsSentThatWouldTakeLongerThanTheTargetIfTimeWentByTheText) {
  round(milliseconds(400));  // eight texts: 50 ms each, at worst
  EXPECT_LE(in_flight(), 44U);
  EXPECT_GE(in_flight(), 36U);
}

TEST_F(Pace, LateAnswersMakeLessOfIt) {
  for (int i = 0; i < 10; ++i) round(milliseconds(200));
  for (int i = 0; i < 20; ++i) round(seconds(20));
  EXPECT_LE(in_flight(), 8U);
}

TEST_F(Pace, SmallRequestsForWantOfJobsProveNothing) {
  round(milliseconds(500));
  const std::size_t before = in_flight();
  for (int i = 0; i < 100; ++i) {
    pace.answered({.started_at = now, .took = milliseconds(200), .inputs = 1, .tokens = 10, .most = 300},
                  now + milliseconds(200));
    now += milliseconds(200);
  }
  EXPECT_LE(in_flight(), before + 4);
}

TEST_F(Pace, TextsThatAreLongerThanUsualAreFewer) {
  EXPECT_GT(pace.tokens(), 1'000'000U) << "nothing is known yet";
  round(milliseconds(400));
  EXPECT_EQ(pace.tokens(), 2 * 50 * std::size_t{pace.inputs()});
}

TEST_F(Pace, TooMuchIsHalvedAndGrowsBackByARequestARound) {
  pace.set_most_requests(64);
  for (int i = 0; i < 20; ++i) round(milliseconds(200));
  pace.too_much(64 * 300, 64, now);
  EXPECT_EQ(pace.requests(), 32U);
  EXPECT_LE(in_flight(), 64U * 300 / 2 + 32);
  round(milliseconds(200));
  round(milliseconds(200));
  EXPECT_LE(in_flight(), 64U * 300 / 2 + 3 * 300 + 32);
  for (int i = 0; i < 60; ++i) round(milliseconds(200));
  EXPECT_EQ(pace.requests(), 64U);
}

TEST_F(Pace, ItsRateIsWhatTheEndpointAchieves) {
  for (int i = 0; i < 50; ++i) round(milliseconds(300) * pace.requests());
  const double achieved = static_cast<double>(std::min(pace.inputs(), 300U)) / 0.3;
  EXPECT_NEAR(pace.inputs_per_second(), achieved, 0.2 * achieved);
}

// ── Silence

TEST(Patience, IsNeverLessThanConfigured) {
  Patience patience;
  EXPECT_EQ(patience.with(10, seconds(60)), seconds(60));
  patience.answered(milliseconds(200), 10);
  EXPECT_EQ(patience.with(10, seconds(60)), seconds(60));
}

TEST(Patience, FollowsHowLongAnswersTakeAndHowMuchIsInFlight) {
  Patience patience;
  for (int i = 0; i < 50; ++i) patience.answered(seconds(100), 10);
  EXPECT_GE(patience.with(10, seconds(60)), seconds(100));
  EXPECT_LE(patience.with(10, seconds(60)), seconds(110));
  EXPECT_GE(patience.with(30, seconds(60)), seconds(300));
}

TEST(Patience, DoublesWithEverySilenceUntilAnAnswerComes) {
  Patience patience;
  patience.silent();
  patience.silent();
  EXPECT_EQ(patience.with(10, seconds(60)), seconds(240));
  for (int i = 0; i < 20; ++i) patience.silent();
  EXPECT_EQ(patience.with(10, seconds(60)), std::chrono::hours(1));
  patience.answered(seconds(1), 10);
  EXPECT_EQ(patience.with(10, seconds(60)), seconds(60));
}

}  // namespace
}  // namespace embedd
