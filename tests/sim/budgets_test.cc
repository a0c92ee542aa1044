// Budgets of a day: never overspent by more than one request, spent until little is left, and nobody's fault.
#include <gmock/gmock.h>

#include "support/scenario.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class DailyBudgets : public Scenario {
 protected:
  DailyBudgets() {
    world.tells = false;
    world.database.day = 10min;
    world.provider.bills_tokens = true;
    world.options.prices.set("openai", "sim", 2.0);
    world.options.prices.set("other", "sim", 2.0);
  }
  /// Rows with texts of 50 to 150 bytes.
  VectorizerId add_rows(const std::string& name, int rows, const std::string& model = "sim") {
    const VectorizerId id = world.add_table(name, 0);
    table(id).vectorizer.model = model;
    world.options.prices.set("openai", model, 2.0);
    for (int i = 0; i < rows; ++i)
      world.database.put(id, fmt::format("{:05}", i),
                         fmt::format("{}{} {}", i, name, std::string(40 + i % 100, 'x')),
                         world.database_now());
    return id;
  }
  void run_to_the_next_day() {
    const Instant now = world.database_now();
    world.run_for(Instant((world.database.day_of(now) + 1) * world.database.day) - now);
  }
  std::int64_t bought_today(const std::string& budget_of) {
    return world.bought_of[{budget_of, world.database.day_of(world.database_now())}].billed.tokens;
  }
  std::size_t unstored(VectorizerId id) {
    return static_cast<std::size_t>(std::ranges::count_if(
        table(id).rows, [](const auto& entry) { return !entry.second.vector.has_value(); }));
  }
  std::vector<std::string> problems() const {
    std::vector<std::string> states;
    for (const auto& [worker, beat] : world.heartbeats)
      for (const Problem& problem : beat.problems) states.push_back(problem.state);
    return states;
  }
};

TEST_F(DailyBudgets, IsSpentEachDayByAllWorkersTogether) {
  const VectorizerId notes = add_rows("notes", 4000);
  world.set_budget(notes, {.tokens = 20'000});
  run_to_the_next_day();
  for (int i = 0; i < 4; ++i) world.start_worker();
  for (int day = 0; day < 3; ++day) {
    world.run_for(9min);
    const std::int64_t bought = bought_today(budget_of_vectorizer(notes));
    EXPECT_LE(bought, 20'000);
    EXPECT_GE(bought, 19'500) << "day " << day;
    EXPECT_THAT(problems(), testing::Contains("budget_spent"));
    run_to_the_next_day();
  }
  EXPECT_EQ(world.charged, 0U);
  EXPECT_TRUE(table(notes).dead.empty());
  EXPECT_LE(world.budget_news, 4U * 3 * 4) << "said a few times a day, not at each poll";
}

TEST_F(DailyBudgets, GoesOnWithinSecondsWhenItIsRaised) {
  const VectorizerId notes = add_rows("notes", 500);
  world.set_budget(notes, {.tokens = 5'000});
  world.start_worker();
  world.start_worker();
  world.run_for(3min);
  EXPECT_GT(unstored(notes), 0U);
  world.set_budget(notes, {.tokens = 1'000'000});
  expect_all_true(30s);
}

TEST_F(DailyBudgets, GoesOnTheNextDayByTheDatabasesClock) {
  const VectorizerId notes = add_rows("notes", 300);
  world.set_budget(notes, {.tokens = 5'000});
  run_to_the_next_day();
  world.start_worker();
  world.run_for(2min);
  const std::size_t left = unstored(notes);
  EXPECT_GT(left, 0U);
  run_to_the_next_day();
  world.run_for(20s);
  EXPECT_LT(unstored(notes), left);
}

TEST_F(DailyBudgets, DollarsOfAnEndpointLimitAllItsVectorizers) {
  const VectorizerId notes = add_rows("notes", 1000, "small"), docs = add_rows("docs", 1000, "large");
  world.options.prices.set("openai", "large", 20.0);
  world.set_budget(world.provider, "openai", {.nano_usd = 100'000'000});
  run_to_the_next_day();
  for (int i = 0; i < 3; ++i) world.start_worker();
  world.run_for(9min);
  const auto& bought = world.bought_of[{"endpoint openai", world.database.day_of(world.database_now())}];
  EXPECT_LE(bought.billed.nano_usd, 100'000'000);
  EXPECT_GE(bought.billed.nano_usd, 95'000'000);
  EXPECT_GT(unstored(notes), 0U);
  EXPECT_LT(unstored(notes), 1000U);
  EXPECT_LT(unstored(docs), 1000U) << "neither starves";
}

TEST_F(DailyBudgets, LimitsOneVectorizerAndLeavesTheOthersAlone) {
  const VectorizerId notes = add_rows("notes", 500, "small"), docs = add_rows("docs", 500, "large");
  world.set_budget(notes, {.tokens = 2'000});
  world.start_worker();
  EXPECT_TRUE(world.run_until([&] { return unstored(docs) == 0; }, 2min));
  EXPECT_GT(unstored(notes), 0U);
}

TEST_F(DailyBudgets, IsThatOfAStoresChunksToo) {
  const VectorizerId docs = world.add_store("docs", 300);
  for (const VectorizerId id : {docs, docs + 1}) table(id).vectorizer.model = "chunks";
  table(docs).vectorizer.model = "rows";  // nothing is bought of it
  world.set_budget(docs, {.tokens = 500});
  run_to_the_next_day();
  world.start_worker();
  world.run_for(5min);
  EXPECT_GE(bought_today(budget_of_vectorizer(docs)), 400);
  EXPECT_LE(bought_today(budget_of_vectorizer(docs)), 500);
  world.set_budget(docs, {});
  expect_all_true();
}

TEST_F(DailyBudgets, ATextThatCostsMoreThanADayIsBoughtAllTheSame) {
  const VectorizerId notes = world.add_table("notes", 0);
  world.database.put(notes, "1", std::string(900, 'x'), world.database_now());
  world.set_budget(notes, {.tokens = 10});
  world.start_worker();
  expect_all_true(1min);
}

TEST_F(DailyBudgets, TheLastTokensAreNotLostToCoarseCounting) {
  const VectorizerId notes = add_rows("notes", 300);  // two to four bytes a token, each byte counts as one
  world.set_budget(notes, {.tokens = 2'000});
  run_to_the_next_day();
  world.start_worker();
  world.run_for(5min);
  EXPECT_GE(bought_today(budget_of_vectorizer(notes)), 1'850);
}

TEST_F(DailyBudgets, WorkersThatDieAgainAndAgainOverspendNothing) {
  world.answers_may_be_lost = true;
  const VectorizerId notes = add_rows("notes", 2000);
  world.set_budget(notes, {.tokens = 8'000});
  run_to_the_next_day();
  for (int time = 0; time < 200; ++time) {
    const int worker = world.start_worker();
    world.run_for(milliseconds(200 + 37 * (time % 40)));
    if (time % 3 == 0)
      world.drain_worker(worker);
    else
      world.kill_worker(worker);
  }
  EXPECT_LE(bought_today(budget_of_vectorizer(notes)), 8'000 + 150);
  EXPECT_GE(bought_today(budget_of_vectorizer(notes)), 1'000);
}

TEST_F(DailyBudgets, AWorkerThatStopsReturnsWhatItHasReserved) {
  const VectorizerId notes = add_rows("notes", 100);
  world.set_budget(notes, {.tokens = 1'000'000});
  const int worker = world.start_worker();
  world.run_for(500ms);
  world.drain_worker(worker);
  world.run_for(10s);
  EXPECT_FALSE(world.alive(worker));
  EXPECT_EQ(world.database.budgets_spent[budget_of_vectorizer(notes)].reserved.tokens,
            bought_today(budget_of_vectorizer(notes)));
}

TEST_F(DailyBudgets, FaultsThatCostNothingSpendNothing) {
  const VectorizerId notes = add_rows("notes", 100);
  world.set_budget(notes, {.tokens = 100'000});
  world.provider.mood.fault = Error{ErrorKind::unavailable, "503"};
  world.start_worker();
  world.run_for(9min);
  world.provider.mood.fault.reset();
  expect_all_true(2min);
  world.run_for(20s);
  EXPECT_EQ(world.database.budgets_spent[budget_of_vectorizer(notes)].reserved.tokens,
            bought_today(budget_of_vectorizer(notes)));
}

TEST_F(DailyBudgets, AnswersThatAreBilledAndLostCount) {
  world.answers_may_be_lost = true;
  const VectorizerId notes = add_rows("notes", 1000);
  world.set_budget(notes, {.tokens = 6'000});
  run_to_the_next_day();
  world.provider.mood.fault = Error{ErrorKind::unavailable, "timed out"};
  world.provider.mood.bills_lost_answers = true;
  world.start_worker();
  world.run_for(4min);
  world.provider.mood.fault.reset();
  world.provider.mood.bills_lost_answers = false;
  world.run_for(4min);
  EXPECT_LE(bought_today(budget_of_vectorizer(notes)), 6'000);
  EXPECT_GE(bought_today(budget_of_vectorizer(notes)), 2'000);
}

TEST_F(DailyBudgets, WithoutAPriceADollarBudgetBuysNothingAndSaysSo) {
  const VectorizerId notes = world.add_table("notes", 10);
  table(notes).vectorizer.model = "unheard-of";
  world.set_budget(notes, {.nano_usd = 1'000'000'000});
  world.start_worker();
  world.run_for(1min);
  EXPECT_EQ(world.provider.requests, 0U);
  EXPECT_THAT(problems(), testing::Contains("no_price"));
  world.set_budget(notes, {.tokens = 100'000});
  expect_all_true(1min);
}

TEST_F(DailyBudgets, WithOnceTheWorkerEndsWhenTheBudgetIsSpent) {
  const VectorizerId notes = add_rows("notes", 300);
  world.set_budget(notes, {.tokens = 2'000});
  world.options.once = true;
  const int worker = world.start_worker();
  EXPECT_TRUE(world.run_until([&] { return !world.alive(worker); }, 5min));
  EXPECT_GT(unstored(notes), 0U);
}

}  // namespace
}  // namespace embedd::sim
