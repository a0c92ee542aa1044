// However a row comes back to be bought: no more often than so many times an hour.
#include "core/spending_brake.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <deque>

#include "core/random.h"

namespace embedd {
namespace {

using namespace std::chrono_literals;

Job job_of(const std::string& key, std::int64_t text, Waste wasted = {}) {
  return {.vectorizer = 1, .key = key, .text_hash = text, .wasted = wasted};
}

/// Counts purchases in the last hour.
class Hour {
 public:
  std::size_t add(Instant at) {
    times_.push_back(at);
    while (at - times_.front() >= 1h) times_.pop_front();
    return times_.size();
  }

 private:
  std::deque<Instant> times_;
};

class Brake : public testing::Test {
 protected:
  [[nodiscard]] Duration wait(const Job& job) const { return brake.wait(job, now).length; }
  /// Buys as soon as it may, for `length`; the most purchases in any hour.
  template <typename JobNow>
  std::size_t buy_as_often_as_allowed(Duration length, JobNow job_now) {
    Hour hour;
    std::size_t most = 0;
    for (const Instant end = now + length; now < end;) {
      const Job job = job_now();
      if (const Duration pause = wait(job); pause > Duration{}) {
        now += pause;
        continue;
      }
      brake.bought(job, now);
      most = std::max(most, hour.add(now));
      now += 1ms;
    }
    return most;
  }

  SpendingBrake brake;
  Instant now{seconds(1'000'000)};
};

TEST_F(Brake, TheSameTextIsBoughtFreelyAFewTimesAndThenAfterGrowingPauses) {
  const Job job = job_of("a", 7);
  for (unsigned time = 0; time < SpendingBrake::kAtOnce; ++time) {
    EXPECT_LE(wait(job), Duration{}) << time;
    brake.bought(job, now);
  }
  for (const Duration pause : {1s, 2s, 4s, 8s}) {
    EXPECT_EQ(wait(job), pause);
    now += pause;
    EXPECT_LE(wait(job), Duration{});
    brake.bought(job, now);
  }
  for (int time = 0; time < 10; ++time) {
    EXPECT_GT(wait(job), 7min);
    EXPECT_LE(wait(job), SpendingBrake::kLongestPause);
    now += wait(job);
    EXPECT_LE(wait(job), Duration{});
    brake.bought(job, now);
  }
}

TEST_F(Brake, TheSameTextIsBoughtSixteenTimesInAnyHour) {
  EXPECT_LE(buy_as_often_as_allowed(10h, [] { return job_of("a", 7); }), SpendingBrake::kSameTextAnHour);
  // Also if it stays away now and then, for as long as suits it best.
  Random random(1);
  EXPECT_LE(buy_as_often_as_allowed(400h,
                                    [&] {
                                      if (random.below(20) == 0) now += seconds(random.below(5000));
                                      return job_of("a", 7);
                                    }),
            SpendingBrake::kSameTextAnHour);
}

TEST_F(Brake, EverNewTextsOfARowAreBought120TimesInAnyHourAndNoneWaitsForMoreThanAMinute) {
  std::int64_t text = 0;
  Duration longest{};
  const std::size_t most = buy_as_often_as_allowed(10h, [&] {
    const Job job = job_of("a", ++text);
    longest = std::max(longest, wait(job));
    return job;
  });
  EXPECT_LE(most, SpendingBrake::kAnyTextAnHour);
  EXPECT_GE(most, SpendingBrake::kAnyTextAnHour - 1);
  EXPECT_LE(longest, 1min);
}

TEST_F(Brake, TwoTextsThatTakeTurnsAreHeldByTheirRow) {
  std::int64_t turn = 0;
  EXPECT_LE(buy_as_often_as_allowed(10h, [&] { return job_of("a", ++turn % 2); }),
            SpendingBrake::kAnyTextAnHour);
}

TEST_F(Brake, AUserWhoEditsARowAHundredTimesIsServedAtOnceOrWithinAMinute) {
  for (std::int64_t edit = 0; edit < 100; ++edit) {
    const Job job = job_of("a", edit);
    EXPECT_LE(wait(job), 30s) << "of edits that are half a minute apart";
    brake.bought(job, now + std::max(wait(job), Duration{}));
    now += 36s;
  }
}

TEST_F(Brake, WhatOthersWastedCounts) {
  EXPECT_EQ(wait(job_of("a", 7, {.level = 5, .ago = 500ms})), 1500ms);
  EXPECT_LE(wait(job_of("a", 7, {.level = 8, .ago = 8min})), Duration{});
  // As many workers as there are purchases, each of which sees what the others have noted.
  Hour hour;
  std::size_t most = 0;
  Waste wasted;
  Instant last = now;
  for (const Instant end = now + 5h; now < end;) {
    SpendingBrake another;
    wasted.ago = now - last;
    const Job job = job_of("a", 7, wasted);
    if (const Duration pause = another.wait(job, now).length; pause > Duration{}) {
      now += pause;
      continue;
    }
    another.bought(job, now);
    most = std::max(most, hour.add(now));
    wasted.level =
        1 + std::max(0.0, wasted.level - to_seconds(now - last) * SpendingBrake::kForgottenASecond);
    last = now;
  }
  EXPECT_LE(most, SpendingBrake::kSameTextAnHour);
  EXPECT_GE(most, SpendingBrake::kSameTextAnHour - 1);
}

TEST_F(Brake, AfterAnHourARowBeginsAnew) {
  const Job job = job_of("a", 7);
  for (int time = 0; time < 8; ++time) brake.bought(job, now);
  EXPECT_GT(wait(job), 7min);
  now += 1h;
  for (unsigned time = 0; time < SpendingBrake::kAtOnce; ++time) {
    EXPECT_LE(wait(job), Duration{});
    brake.bought(job, now);
  }
}

TEST_F(Brake, WhatCostNothingIsTakenBack) {
  const Job job = job_of("a", 7);
  for (int time = 0; time < 30; ++time) {
    brake.bought(job, now);
    brake.refunded(job);
  }
  EXPECT_LE(wait(job), Duration{});
  for (int time = 0; time < 40; ++time) {
    brake.bought(job, now);
    brake.refunded(job);
  }
  EXPECT_TRUE(brake.wait(job, now).edited) << "but its row is not asked about without end";
  EXPECT_GT(wait(job), Duration{});
}

TEST_F(Brake, RowsAreHeldOneByOne) {
  for (int time = 0; time < 10; ++time) brake.bought(job_of("a", 7), now);
  EXPECT_GT(wait(job_of("a", 7)), Duration{});
  EXPECT_LE(wait(job_of("b", 7)), Duration{});
  Job other = job_of("a", 7);
  other.vectorizer = 2;
  EXPECT_LE(wait(other), Duration{});
}

TEST_F(Brake, ATextThatFailsAgainAndAgainTravelsAlone) {
  const Job job = job_of("a", 7);
  for (unsigned time = 1; time <= SpendingBrake::kAtOnce; ++time) {
    EXPECT_FALSE(brake.travels_alone(job));
    brake.bought(job, now);
    brake.failed(job);
  }
  EXPECT_TRUE(brake.travels_alone(job));
  EXPECT_FALSE(brake.travels_alone(job_of("a", 8))) << "a new text deserves company";
}

TEST_F(Brake, ABackfillOfMillionsDoesNotMakeItForgetRowsThatAreBoughtInVain) {
  for (int row = 0; row < 100; ++row)
    for (int time = 0; time < 10; ++time) brake.bought(job_of(fmt::format("loop {}", row), 7), now);
  for (int row = 0; row < 1'000'000; ++row) brake.bought(job_of(fmt::format("row {}", row), row), now);
  for (int row = 0; row < 100; ++row)
    EXPECT_GT(wait(job_of(fmt::format("loop {}", row), 7)), Duration{}) << row;
}

TEST(Fingerprints, AreTheSameInEveryWorkerAndEveryRelease) {
  EXPECT_EQ(fingerprint_of(Key("")), 0xF52A15E9A9B5E89BU);
  EXPECT_EQ(fingerprint_of(Key("\0\0\0\x07", 4)), 0xFD2087025A7A4EDCU);
}

}  // namespace
}  // namespace embedd
