// Money has a brake: whatever goes wrong, a row is bought a bounded number of times an hour (G12).
#include <gmock/gmock.h>

#include "core/queue.h"
#include "support/scenario.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class Spending : public Scenario {
 protected:
  Spending() {
    world.answers_may_be_lost = true;  // a text is paid for again and again: how often is what counts here
    world.tells = false;
  }
  [[nodiscard]] std::uint64_t purchases() const {
    std::uint64_t sum = 0;
    for (const auto& [text, times] : world.provider.billed) sum += static_cast<std::uint64_t>(times);
    return sum;
  }
  [[nodiscard]] int most_purchases() const {
    int most = 0;
    for (const auto& [text, times] : world.provider.billed) most = std::max(most, times);
    return most;
  }
  std::size_t unstored(VectorizerId id) {
    return static_cast<std::size_t>(std::ranges::count_if(
        table(id).rows, [](const auto& entry) { return !entry.second.vector.has_value(); }));
  }
  std::vector<std::string> problems() const {
    std::vector<std::string> states;
    for (const auto& [worker, beat] : world.heartbeats)
      for (const Problem& problem : beat.problems) states.push_back(problem.state + ": " + problem.message);
    return states;
  }
};

TEST_F(Spending, TextsThatReadDifferentlyWhenStoredCostAHandfulAndAreStoredSoonAfter) {
  const VectorizerId notes = world.add_table("notes", 200);
  table(notes).reads_differently = true;
  for (int i = 0; i < 4; ++i) world.start_worker();
  world.run_for(1min);
  EXPECT_LE(purchases(), 200U * 4) << "four workers, and each row's first few times";
  EXPECT_THAT(problems(), testing::Contains(HasSubstr("TimeZone")));
  world.run_for(3h);
  EXPECT_LE(world.most_paid_an_hour, SpendingBrake::kSameTextAnHour);
  EXPECT_EQ(table(notes).queue.size(), 200U) << "no row is lost, and none is a dead letter";
  EXPECT_EQ(world.charged, 0U);
  table(notes).reads_differently = false;
  EXPECT_TRUE(world.run_until([&] { return unstored(notes) <= 20; }, 2min)) << unstored(notes);
  expect_all_true(8min);
  for (const auto& [key, row] : table(notes).rows)
    world.database.put(notes, key, "new text of " + key, world.database_now());
  expect_all_true(15s);
}

TEST_F(Spending, RowsThatReadDifferentlyAmongOthersThatDoNotAreBoughtSixteenTimesAnHour) {
  const VectorizerId notes = world.add_table("notes", 20);
  table(notes).unlike_keys = {"0003", "0017"};
  for (int i = 0; i < 3; ++i) world.start_worker();
  for (int minute = 0; minute < 180; ++minute) {
    world.run_for(1min);  // others change all the while, and are stored: the vectorizer as a whole is well
    world.database.put(notes, "0001", fmt::format("edit {}", minute), world.database_now());
  }
  EXPECT_EQ(unstored(notes), 2U);
  EXPECT_LE(world.most_paid_an_hour, SpendingBrake::kSameTextAnHour);
  EXPECT_GE(world.most_paid_an_hour, SpendingBrake::kSameTextAnHour - 2);
  EXPECT_GT(world.braked, 0U);
  table(notes).unlike_keys.clear();
  expect_all_true(8min);
}

TEST_F(Spending, AWorkerThatIsReplacedAgainAndAgainKnowsWhatWasWasted) {
  const VectorizerId notes = world.add_table("notes", 3);
  table(notes).unlike_keys = {"0000"};
  for (int minute = 0; minute < 120; ++minute) {
    const int worker = world.start_worker();
    world.run_for(30s);
    world.drain_worker(worker);
    world.run_for(30s);
  }
  EXPECT_LE(world.most_paid_an_hour, SpendingBrake::kSameTextAnHour);
}

TEST_F(Spending, ATextThatKillsItsWorkersIsNotBoughtForEver) {
  const VectorizerId notes = world.add_table("notes", 1);
  world.provider.mood.latency = 2s;
  world.provider.mood.jitter = {};
  for (int time = 0; time < 240; ++time) {
    const int worker = world.start_worker();
    const auto before = world.provider.requests;
    world.run_until([&] { return world.provider.requests > before; }, 45s);
    world.kill_worker(worker);  // as soon as it has bought the text
    world.run_for(5s);
  }
  EXPECT_LE(world.most_paid_an_hour, SpendingBrake::kSameTextAnHour);
  world.start_worker();
  EXPECT_TRUE(world.run_until([&] { return unstored(notes) == 0; }, 9min));
}

TEST_F(Spending, AQueueThatForgetsWhatWasWastedIsNotBelieved) {
  const VectorizerId notes = world.add_table("notes", 10);
  table(notes).unlike_keys = {"0003", "0005"};
  world.database.forgets_waste = true;
  world.start_worker();
  world.run_for(4h);
  EXPECT_LE(world.most_paid_an_hour, SpendingBrake::kSameTextAnHour);
  EXPECT_GE(world.most_paid_an_hour, SpendingBrake::kSameTextAnHour - 2) << "and it does try";
}

TEST_F(Spending, AnswersThatAreBilledAndNeverArriveAreAskedForEverMoreRarely) {
  world.add_table("notes", 3);
  world.provider.mood.fault = Error{ErrorKind::unavailable, "timed out"};
  world.provider.mood.bills_lost_answers = true;
  world.start_worker();
  world.run_for(6h);
  EXPECT_LE(world.most_paid_an_hour, SpendingBrake::kSameTextAnHour);
  world.provider.mood.fault.reset();
  world.provider.mood.bills_lost_answers = false;
  expect_all_true(8min);
}

TEST_F(Spending, AnOutageThatCostsNothingHoldsNobodyUpAfterwards) {
  world.add_table("notes", 3);
  world.provider.mood.fault = Error{ErrorKind::unavailable, "503"};
  world.start_worker();
  world.run_for(6h);
  world.provider.mood.fault.reset();
  expect_all_true(70s);
}

TEST_F(Spending, AnAnswerThatIsWrongForOneOfManyCostsItsNeighboursAFewTimes) {
  world.options.claim_rows = 512;
  world.options.batch_inputs = 2048;
  world.provider.limits.max_inputs = 2048;
  const VectorizerId notes = world.add_table("notes", 512);
  world.database.put(notes, "0300", "garbled", world.database_now());
  world.start_worker();
  EXPECT_TRUE(world.run_until([&] { return unstored(notes) == 1; }, 30s));
  for (const auto& [text, times] : world.provider.paid_at) {
    if (text == "garbled") continue;
    EXPECT_LE(times.size(), 4U) << text;
  }
}

TEST_F(Spending, ATriggerThatRewritesEveryRowThatIsStoredIsPaidABoundedNumberOfTimes) {
  const VectorizerId notes = world.add_table("notes", 2);
  table(notes).rewrites_texts = true;
  world.start_worker();
  world.run_for(1h);
  EXPECT_LE(purchases(), 2U * SpendingBrake::kAnyTextAnHour);
  EXPECT_THAT(problems(), testing::Contains(HasSubstr("new texts all the time")));
  world.run_for(1h);
  EXPECT_LE(purchases(), 2U * (SpendingBrake::kAnyTextAnHour + 61));
  table(notes).rewrites_texts = false;
  expect_all_true(70s);
}

TEST_F(Spending, AUserWhoEditsARowAHundredTimesAnHourHasItsLastTextEmbeddedWithinAMinute) {
  const VectorizerId notes = world.add_table("notes", 1);
  world.start_worker();
  for (int edit = 0; edit < 300; ++edit) {
    world.run_for(Duration(12s));
    world.database.put(notes, "0000", fmt::format("edit {}", edit), world.database_now());
  }
  EXPECT_TRUE(world.run_until([&] { return table(notes).queue.empty(); }, 70s));
  EXPECT_EQ(world.verdict(), "");
  EXPECT_LE(purchases(), 1U + SpendingBrake::kAnyTextAnHour);
}

TEST_F(Spending, ChangesBehindTheTriggersAllAtOnceAreNobodysFault) {
  const VectorizerId notes = world.add_table("notes", 300);
  world.provider.mood.latency = 1s;
  world.start_worker();
  world.at(500ms, [&] {
    for (const auto& [key, row] : table(notes).rows)
      world.database.update_behind_triggers(notes, key, "restored " + key);
  });
  expect_all_true(1min);
  EXPECT_LE(most_purchases(), 1);
}

/// A server's idea of patience.
class Impatient : public Spending, public ::testing::WithParamInterface<std::pair<const char*, Error>> {};

TEST_P(Impatient, NeverShortensOurBackoff) {
  world.add_table("notes", 100);
  world.provider.mood.fault = GetParam().second;
  world.start_worker();
  world.run_for(10min);
  EXPECT_LE(world.provider.requests, 30U);
  EXPECT_GE(world.provider.requests, 8U) << "it does go on asking";
  world.provider.mood.fault.reset();
  expect_all_true(2min);
}

INSTANTIATE_TEST_SUITE_P(
    Server, Impatient,
    ::testing::Values(
        std::pair("RateLimitedZero", Error{ErrorKind::rate_limited, "429", Duration{}}),
        std::pair("RateLimitedAMillisecond", Error{ErrorKind::rate_limited, "429", milliseconds(1)}),
        std::pair("UnavailableZero", Error{ErrorKind::unavailable, "503", Duration{}}),
        std::pair("UnavailableAMillisecond", Error{ErrorKind::unavailable, "503", milliseconds(1)})),
    [](const auto& test) { return std::string(test.param.first); });

}  // namespace
}  // namespace embedd::sim
