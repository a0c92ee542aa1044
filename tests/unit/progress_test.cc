// The progress bar: when it is drawn, what it says, and that it removes itself.
#include "cli/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "support/manual_clock.h"

namespace embedd::cli {
namespace {

using testing::HasSubstr;

const std::string kStartOfLine = "\r\x1b[K";
const Vectorizer kNotes{.id = 1, .name = "notes"};

std::string blocks(int full) {
  std::string out;
  for (int i = 0; i < 24; ++i) out += i < full ? "█" : "░";
  return out;
}

TEST(ProgressBar, IsAsFullAsTheShare) {
  EXPECT_EQ(progress_bar(0), blocks(0));
  EXPECT_EQ(progress_bar(0.5), blocks(12));
  EXPECT_EQ(progress_bar(0.999), blocks(23)) << "full means done";
  EXPECT_EQ(progress_bar(1), blocks(24));
}

class ProgressTest : public testing::Test {
 protected:
  void poll(std::int64_t jobs) { progress.polled({{.vectorizer = kNotes, .jobs_estimate = jobs}}); }
  void settle(Action action, Outcome outcome, std::size_t jobs) {
    progress.settled(kNotes, {.action = action}, outcome, jobs);
  }
  void store(std::size_t jobs) { settle(Action::complete, Outcome::done, jobs); }
  void work(bool is_there) { progress.in_flight(is_there ? 1 : 0, is_there ? 10 : 0, 0); }
  /// What the next turn of the loop writes.
  std::string turn() {
    testing::internal::CaptureStderr();
    progress.turned();
    return testing::internal::GetCapturedStderr();
  }
  /// The same, a second later.
  std::string turn_later() {
    clock.tick(seconds(1));
    return turn();
  }

  test::ManualClock clock;
  Progress progress{clock};
};

TEST_F(ProgressTest, NothingIsDrawnWithoutWork) {
  poll(0);
  work(false);
  EXPECT_EQ(turn_later(), "");
}

TEST_F(ProgressTest, SaysHowMuchIsDoneHowFastAndForHowLong) {
  poll(1000);
  work(true);
  EXPECT_EQ(turn(), kStartOfLine + blocks(0) + "   0 %  0 of 1,000 rows");
  store(250);
  EXPECT_EQ(turn_later(), kStartOfLine + blocks(6) + "  25 %  250 of 1,000 rows  250 rows/s, 3 s left");
}

TEST_F(ProgressTest, IsDrawnTenTimesASecondAtMost) {
  poll(1000);
  turn();
  clock.tick(milliseconds(99));
  EXPECT_EQ(turn(), "");
  clock.tick(milliseconds(1));
  EXPECT_NE(turn(), "");
}

TEST_F(ProgressTest, RemovesItselfOnceTheWorkIsDone) {
  poll(10);
  work(true);
  turn();
  store(10);
  work(false);
  EXPECT_EQ(turn_later(), kStartOfLine);
  EXPECT_EQ(turn_later(), "") << "once";
}

TEST_F(ProgressTest, StaysWhileSomethingIsHeldThoughNothingWaits) {
  poll(0);
  work(true);
  EXPECT_THAT(turn(), HasSubstr(" rows"));
}

TEST_F(ProgressTest, BeginsAnewWithTheNextWork) {
  poll(10);
  turn();
  store(10);
  turn_later();
  poll(4);
  store(1);
  EXPECT_THAT(turn_later(), HasSubstr("  25 %  1 of 4 rows"));
}

struct Settled {
  const char* name;
  Action action;
  Outcome outcome;
  const char* says;
};
class ProgressOf : public ProgressTest, public testing::WithParamInterface<Settled> {};

TEST_P(ProgressOf, TenJobsThatWereSettled) {
  poll(20);
  settle(GetParam().action, GetParam().outcome, 10);
  EXPECT_THAT(turn(), HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(Progress, ProgressOf,
                         testing::Values(Settled{"stored", Action::complete, Outcome::done, "10 of 20 rows"},
                                         Settled{"dropped", Action::drop, Outcome::done, "0 of 10 rows"},
                                         Settled{"dead", Action::discard, Outcome::done, "0 of 10 rows"},
                                         Settled{"stale", Action::complete, Outcome::stale, "0 of 20 rows"},
                                         Settled{"kept", Action::complete, Outcome::kept, "0 of 20 rows"},
                                         Settled{"extended", Action::extend, Outcome::done, "0 of 20 rows"}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_F(ProgressTest, PromisesNoEndWhereThePollStoppedCounting) {
  poll(10'000);
  store(500);
  EXPECT_EQ(turn(), kStartOfLine + "500 rows, more than 9,500 to go");
  poll(10'000);
  EXPECT_THAT(turn_later(), HasSubstr("more than 10,000 to go"));
  poll(9'000);
  EXPECT_THAT(turn_later(), HasSubstr("500 of 9,500 rows"));
}

TEST_F(ProgressTest, PromisesNoEndWhileAWalkMayFindMore) {
  poll(10);
  progress.walked(kNotes, {.enqueued = 30});
  EXPECT_EQ(turn(), kStartOfLine + "0 rows, more than 40 to go");
  progress.walked(kNotes, {.enqueued = 2, .finished = true});
  EXPECT_THAT(turn_later(), HasSubstr("0 of 42 rows"));
}

TEST_F(ProgressTest, IsRemovedAtTheEndOfTheRun) {
  testing::internal::CaptureStderr();
  {
    Progress other(clock);
    other.polled({{.vectorizer = kNotes, .jobs_estimate = 1}});
    other.turned();
  }
  EXPECT_TRUE(testing::internal::GetCapturedStderr().ends_with(kStartOfLine));
}

}  // namespace
}  // namespace embedd::cli
