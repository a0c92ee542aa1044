// Which requests budgets let through, and what a worker says while they let none through.
#include "core/budgets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/dispatcher.h"
#include "core/heartbeat.h"
#include "support/worker_parts.h"

namespace embedd {
namespace {

using test::WorkerParts;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

WorkerOptions with_a_price() {
  WorkerOptions options;
  options.prices.set("openai", "model", 1.0);  // 1,000 billionths a token
  return options;
}

class BudgetsTest : public WorkerParts {
 protected:
  BudgetsTest() : WorkerParts(with_a_price()) {}

  void limit(const Budget& budget, const Cost& reserved = {}) {
    budgets.polled(notes, {.vectorizer = notes.vectorizer,
                           .budget_of = notes.vectorizer.id,
                           .budget = budget,
                           .reserved = reserved,
                           .day = 20'000});
  }
  void limit_endpoint(const Budget& budget) {
    gate().refresh(KeyState::present, 1, {.max_in_flight = 4, .budget = budget});
  }
  std::vector<std::string> dispatch() {
    dispatcher.dispatch(now);
    return asked();
  }
  void wait_for(const std::vector<Key>& keys) {
    for (const Key& key : keys) notes.buffer.push_back(job(key, key));
  }
  /// The database's answers to what was asked since the last call, each of this many tokens.
  void grant(std::int64_t tokens) {
    for (const BudgetRequest& request : std::exchange(queue.budget_requests, {}))
      budgets.answered({.request = request,
                        .part = BudgetAnswer::Part{.cost = {tokens, tokens * 1000},
                                                   .day = 20'000,
                                                   .day_left = std::chrono::hours(1)}},
                       now);
  }
  std::vector<std::string> problems() {
    std::vector<std::string> out;
    for (const Problem& problem : heartbeat(state, false, now).problems)
      out.push_back(problem.endpoint + problem.state + ": " + problem.message);
    return out;
  }

  Budgets budgets{state};
  Dispatcher dispatcher{state, keeper, budgets};
};

TEST_F(BudgetsTest, NothingIsAskedWithoutABudget) {
  wait_for({"a"});
  EXPECT_THAT(dispatch(), ElementsAre("a"));
  EXPECT_THAT(queue.budget_requests, IsEmpty());
}

TEST_F(BudgetsTest, ARequestGoesOutOnceItIsCovered) {
  limit({.tokens = 100});
  wait_for({"aaa", "bbb"});
  EXPECT_THAT(dispatch(), IsEmpty());
  ASSERT_THAT(queue.budget_requests, SizeIs(1));
  EXPECT_EQ(queue.budget_requests[0].budget_of, "vectorizer 1");
  EXPECT_EQ(queue.budget_requests[0].needed.tokens, 3);
  EXPECT_EQ(queue.budget_requests[0].wanted.tokens, 6);
  EXPECT_THAT(dispatch(), IsEmpty());
  EXPECT_THAT(queue.budget_requests, SizeIs(1)) << "asked once";
  grant(6);
  EXPECT_THAT(dispatch(), ElementsAre("aaa bbb"));
}

TEST_F(BudgetsTest, ARequestIsNarrowedToWhatIsLeft) {
  limit({.tokens = 100});
  wait_for({"aaa", "bbb"});
  dispatch();
  grant(4);
  EXPECT_THAT(dispatch(), ElementsAre("aaa"));
  EXPECT_THAT(buffered(notes), ElementsAre("bbb"));
}

TEST_F(BudgetsTest, BothBudgetsMustCoverIt) {
  limit({.tokens = 100});
  limit_endpoint({.nano_usd = 100'000});
  wait_for({"aaa"});
  EXPECT_THAT(dispatch(), IsEmpty());
  ASSERT_THAT(queue.budget_requests, SizeIs(2));
  EXPECT_EQ(queue.budget_requests[1].budget_of, "endpoint openai");
  EXPECT_EQ(queue.budget_requests[1].needed.nano_usd, 3'000);
  queue.budget_requests.pop_back();
  grant(3);
  EXPECT_THAT(dispatch(), IsEmpty()) << "the endpoint has not answered";
}

TEST_F(BudgetsTest, ASpentBudgetGivesTheJobsBackAndBlamesNobody) {
  limit({.tokens = 100});
  wait_for({"a", "b"});
  dispatch();
  grant(0);
  EXPECT_FALSE(Budgets::may_buy(state, notes));
  EXPECT_THAT(dispatch(), IsEmpty());
  EXPECT_THAT(settled(), ElementsAre("reschedule a b"));
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("budget_spent: its budget of 100 tokens a day is spent")));
}

TEST_F(BudgetsTest, ItIsSaidOnceThatABudgetIsSpentAndOnceThatItIsNot) {
  limit({.tokens = 100});
  wait_for({"a"});
  dispatch();
  grant(0);
  for (int poll = 0; poll < 3; ++poll) limit({.tokens = 100}, {.tokens = 100});
  EXPECT_THAT(told(), ElementsAre(HasSubstr("notes waits: its budget of 100 tokens a day is spent")));
  limit({.tokens = 200}, {.tokens = 100});
  EXPECT_THAT(told(), ElementsAre("notes buys again"));
}

TEST_F(BudgetsTest, AnEndpointsBudgetIsSaidOfTheEndpoint) {
  limit_endpoint({.nano_usd = 500'000'000});
  wait_for({"a"});
  dispatch();
  grant(0);
  EXPECT_THAT(told(),
              ElementsAre(HasSubstr("openai waits: the budget of USD 0.5 a day of the endpoint openai")));
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("openaibudget_spent")));
}

TEST_F(BudgetsTest, ABudgetInDollarsWaitsForAPrice) {
  notes.vectorizer.model = "unheard-of";
  limit({.nano_usd = 1});
  EXPECT_FALSE(Budgets::may_buy(state, notes));
  EXPECT_THAT(told(), ElementsAre(HasSubstr("the price of unheard-of is not known")));
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("no_price: ")));
  limit({.tokens = 100});
  EXPECT_TRUE(Budgets::may_buy(state, notes));
}

TEST_F(BudgetsTest, WhatARequestCostsIsSettled) {
  limit({.tokens = 100});
  wait_for({"aaaa"});
  dispatch();
  grant(4);
  dispatch();
  const Batch& batch = state.in_flight.batches().begin()->second;
  Reply reply{.id = batch.id, .answer = EmbedAnswer{.tokens = 1}};
  budgets.settle(batch, reply);
  EXPECT_TRUE(notes.purse.covers({.tokens = 3}, now));
  EXPECT_FALSE(notes.purse.covers({.tokens = 4}, now));
}

TEST_F(BudgetsTest, AServerThatDoesNotSayWhatItBillsBillsWhatWasCounted) {
  limit({.tokens = 100});
  wait_for({"aaaa"});
  dispatch();
  grant(4);
  dispatch();
  const Batch& batch = state.in_flight.batches().begin()->second;
  budgets.settle(batch, {.id = batch.id, .answer = EmbedAnswer{}});
  EXPECT_FALSE(notes.purse.covers({.tokens = 1}, now));
}

TEST_F(BudgetsTest, OnlyWhatMayBeBilledIsKept) {
  for (const bool billed : {false, true}) {
    limit({});
    limit({.tokens = 100});
    wait_for({"aaaa"});
    dispatch();
    grant(4);
    dispatch();
    const std::uint64_t id = state.in_flight.batches().begin()->first;
    const Batch batch = state.in_flight.take(id);
    gate().finished();
    budgets.settle(
        batch,
        {.id = id, .answer = std::unexpected(Error{.kind = ErrorKind::unavailable, .billed = billed})});
    EXPECT_EQ(notes.purse.covers({.tokens = 4}, now), !billed);
  }
}

TEST_F(BudgetsTest, AnIdleLaneGivesBackWhatItHas) {
  limit({.tokens = 100});
  wait_for({"aaaa"});
  dispatch();
  grant(50);
  budgets.give_back(false, now);
  EXPECT_THAT(queue.budget_requests, IsEmpty()) << "jobs wait";
  keeper.give_back(notes, now);
  budgets.give_back(false, now);
  ASSERT_THAT(queue.budget_requests, SizeIs(1));
  EXPECT_EQ(queue.budget_requests[0].returned.tokens, 50);
}

TEST_F(BudgetsTest, ALaneThatOnlyCutsTextsBuysNothing) {
  notes.vectorizer.chunk_rule = "bars";
  limit({.tokens = 1}, {.tokens = 1});
  EXPECT_TRUE(Budgets::may_buy(state, notes));
}

}  // namespace
}  // namespace embedd
