// Answers that are right in form and hard to believe: different texts with the same vector (G9, G12).
#include <gmock/gmock.h>

#include "support/scenario.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;

class Doubts : public Scenario {
 protected:
  Doubts() {
    world.answers_may_be_lost = true;  // how often a text may be paid for is what counts here
    notes = world.add_table("notes", 0);
  }
  void put(const std::string& prefix, int rows) {
    for (int i = 0; i < rows; ++i)
      world.database.put(notes, fmt::format("{} {}", prefix, i), fmt::format("{} text {}", prefix, i),
                         world.database_now());
  }
  [[nodiscard]] int purchases() const {
    int sum = 0;
    for (const auto& [text, times] : world.provider.billed) sum += times;
    return sum;
  }
  [[nodiscard]] int most_purchases() const {
    int most = 0;
    for (const auto& [text, times] : world.provider.billed) most = std::max(most, times);
    return most;
  }

  VectorizerId notes = 0;
};

TEST_F(Doubts, VectorsThatAServerMixesUpAreNeverStored) {
  world.provider.mixes_up = true;
  put("note", 100);
  world.start_worker();
  expect_all_true(1min);
  EXPECT_GT(world.answers_doubted, 0U);
  EXPECT_EQ(world.answers_believed, 0U);
  EXPECT_EQ(world.charged, 0U) << "no row is to blame";
  EXPECT_LE(most_purchases(), static_cast<int>(SpendingBrake::kAtOnce));
}

TEST_F(Doubts, ModelsThatGiveDifferentTextsTheSameVectorAreBelievedOnceThatIsKnown) {
  put("twin", 200);
  put("note", 200);
  world.start_worker();
  expect_all_true(1min);
  EXPECT_GT(world.answers_believed, world.answers_doubted);
  EXPECT_LE(purchases(), 400 + 150) << "the first few answers are asked for again, and no others";
  EXPECT_LE(most_purchases(), 2);
}

TEST_F(Doubts, EqualTextsHaveEqualVectors) {
  for (int i = 0; i < 40; ++i)
    world.database.put(notes, fmt::format("{}", i), fmt::format("text {}", i % 2), world.database_now());
  world.start_worker();
  expect_all_true(1min);
  EXPECT_EQ(world.answers_doubted, 0U);
}

TEST_F(Doubts, AServerThatCutsTextsSilentlyIsNoticedAmongTextsOfAllLengths) {
  world.answers_may_be_lost = false;
  world.provider.limits.max_input_tokens = 8191;
  const auto put_texts = [&](const std::string& prefix) {
    for (int i = 0; i < 300; ++i) {
      const std::string text = fmt::format("{} {} ", prefix, i);
      world.database.put(notes, fmt::format("{} {}", prefix, i),
                         text + std::string(static_cast<std::size_t>(i * 37 % 300) * 20, 'x'),
                         world.database_now());
    }
  };
  world.provider.cuts_at = 8191;
  world.start_worker();
  put_texts("whole");
  expect_all_true(1min);
  EXPECT_TRUE(world.cuts_found.empty());
  world.kill_worker(0);
  world.provider.cuts_at = 512;
  world.start_worker();
  put_texts("cut");
  expect_all_true(3min);
  EXPECT_EQ(world.cuts_found, (std::map<std::size_t, int>{{512, 1}}));
}

TEST_F(Doubts, AreRaisedAgainAfterAWhile) {
  put("twin", 20);
  world.start_worker();
  expect_all_true(1min);
  EXPECT_GT(world.answers_believed, 0U);
  world.run_for(61min);
  world.provider.mixes_up = true;
  put("note", 100);
  expect_all_true(1min);
}

TEST_F(Doubts, ARowThatIsBoughtAgainAndAgainIsBraked) {
  world.options.batch_inputs = 2;
  put("note", 2);
  for (int minute = 0; minute < 180; ++minute) {
    world.provider.fail_next =
        Error{.kind = ErrorKind::invalid_answer, .message = "index 0 twice", .billed = true};
    const int worker = world.start_worker();
    world.run_for(30s);
    world.kill_worker(worker);
    world.run_for(30s);
  }
  world.start_worker();
  expect_all_true();
  EXPECT_LE(world.most_paid_an_hour, SpendingBrake::kSameTextAnHour);
}

}  // namespace
}  // namespace embedd::sim
