// What a worker may spend of a budget, and when it asks for more.
#include "core/purse.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

constexpr std::int64_t kToday = 20'000;

Cost tokens(std::int64_t count) { return {.tokens = count}; }

class PurseTest : public testing::Test {
 protected:
  PurseTest() { purse.limit_to("endpoint openai", {.tokens = 1000}); }

  /// The database grants this to what the purse asks.
  void granted(const std::optional<BudgetRequest>& request, std::int64_t count, std::int64_t day = kToday,
               Duration day_left = std::chrono::hours(1)) {
    ASSERT_TRUE(request.has_value());
    purse.answered({.request = *request,
                    .part = BudgetAnswer::Part{.cost = tokens(count), .day = day, .day_left = day_left}},
                   now);
  }
  void failed(const std::optional<BudgetRequest>& request, ErrorKind kind) {
    ASSERT_TRUE(request.has_value());
    purse.answered({.request = *request, .part = fail(kind, "no")}, now);
  }
  std::optional<BudgetRequest> ask(std::int64_t needed, std::int64_t wanted) {
    return purse.ask(tokens(needed), tokens(wanted), now);
  }

  Purse purse;
  Instant now{seconds(1'000'000)};
};

TEST_F(PurseTest, CoversEverythingWithoutABudget) {
  purse.limit_to("endpoint openai", {});
  EXPECT_TRUE(purse.covers(tokens(1'000'000), now));
  EXPECT_FALSE(ask(1, 1).has_value());
  purse.spend(1, tokens(5));
  EXPECT_FALSE(purse.give_back(now).has_value());
  EXPECT_FALSE(purse.spent());
}

TEST_F(PurseTest, CoversWhatItWasGranted) {
  EXPECT_FALSE(purse.covers(tokens(1), now)) << "nothing was reserved yet";
  const auto request = ask(10, 300);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->budget_of, "endpoint openai");
  EXPECT_EQ(request->needed, tokens(10));
  EXPECT_EQ(request->wanted, tokens(300));
  EXPECT_EQ(request->returned, tokens(0));
  EXPECT_FALSE(ask(10, 300).has_value()) << "one request is on its way";
  granted(request, 300);
  EXPECT_TRUE(purse.covers(tokens(300), now));
  EXPECT_FALSE(purse.covers(tokens(301), now));
  EXPECT_EQ(purse.most_tokens(20), 300U);
  purse.spend(1, tokens(200));
  EXPECT_TRUE(purse.covers(tokens(100), now));
  EXPECT_FALSE(purse.covers(tokens(101), now));
}

TEST_F(PurseTest, AsksForAllAgainAndReturnsWhatItHas) {
  granted(ask(10, 300), 300);
  purse.spend(1, tokens(250));
  purse.settle(1, tokens(100));  // it cost less than was counted
  EXPECT_TRUE(purse.covers(tokens(200), now));
  const auto request = ask(201, 400);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->returned, tokens(200));
  EXPECT_EQ(request->day, kToday);
  EXPECT_FALSE(purse.covers(tokens(1), now)) << "what it had is not its own while it asks";
  granted(request, 400);
  EXPECT_TRUE(purse.covers(tokens(400), now));
}

TEST_F(PurseTest, WhatNobodyKnowsIsCountedInFull) {
  granted(ask(10, 300), 300);
  purse.spend(1, tokens(250));
  purse.settle(1, std::nullopt);
  EXPECT_FALSE(purse.covers(tokens(51), now));
  EXPECT_TRUE(purse.covers(tokens(50), now));
}

TEST_F(PurseTest, ACostBeyondWhatWasCountedIsReturnedAsADebt) {
  granted(ask(10, 300), 300);
  purse.spend(1, tokens(300));
  purse.settle(1, tokens(450));
  const auto request = ask(10, 10);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->returned, tokens(-150));
}

TEST_F(PurseTest, IsSpentOnceNothingIsLeftAndNothingIsUnderWay) {
  granted(ask(10, 300), 300);
  purse.spend(1, tokens(300));
  granted(ask(10, 300), 0);
  EXPECT_FALSE(purse.spent()) << "the request in flight may cost less";
  EXPECT_FALSE(ask(10, 300).has_value()) << "and nobody asks meanwhile";
  purse.settle(1, tokens(280));
  EXPECT_FALSE(purse.spent());
  const auto request = ask(10, 300);  // 20 were not needed
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->returned, tokens(20));
  granted(request, 0);
  EXPECT_TRUE(purse.spent());
  EXPECT_FALSE(ask(10, 300).has_value());
}

TEST_F(PurseTest, TellsOnceThatItIsSpentAndThatItIsNotAnyMore) {
  EXPECT_FALSE(purse.take_news());
  granted(ask(10, 300), 0);
  EXPECT_TRUE(purse.take_news());
  EXPECT_FALSE(purse.take_news());
  purse.polled(tokens(1000), kToday);
  EXPECT_FALSE(purse.take_news());
  purse.polled(tokens(0), kToday + 1);
  EXPECT_TRUE(purse.take_news());
  EXPECT_FALSE(purse.spent());
}

TEST_F(PurseTest, APollSaysThatTheBudgetIsSpentOrThatSomeOfItWasReturned) {
  purse.polled(tokens(1000), kToday);
  EXPECT_TRUE(purse.spent());
  purse.polled(tokens(995), kToday);
  EXPECT_TRUE(purse.spent()) << "less than a hundredth is not worth asking for";
  purse.polled(tokens(990), kToday);
  EXPECT_FALSE(purse.spent());
}

TEST_F(PurseTest, ARaisedBudgetIsAskedAgain) {
  granted(ask(10, 300), 0);
  EXPECT_TRUE(purse.spent());
  purse.limit_to("endpoint openai", {.tokens = 1000});
  EXPECT_TRUE(purse.spent()) << "the same";
  purse.limit_to("endpoint openai", {.tokens = 2000});
  EXPECT_FALSE(purse.spent());
  EXPECT_TRUE(ask(10, 300).has_value());
}

TEST_F(PurseTest, WhatWasReservedForADayIsWorthNothingOnTheNext) {
  granted(ask(10, 300), 300, kToday, seconds(10));
  EXPECT_TRUE(purse.covers(tokens(300), now + seconds(9)));
  now += seconds(10);
  EXPECT_FALSE(purse.covers(tokens(1), now));
  const auto request = ask(10, 300);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->returned, tokens(0));
  granted(request, 300, kToday + 1);
  EXPECT_TRUE(purse.covers(tokens(300), now));
}

TEST_F(PurseTest, ARequestOfYesterdayDoesNotCountToday) {
  granted(ask(10, 300), 300);
  purse.spend(1, tokens(300));
  purse.polled(tokens(0), kToday + 1);
  granted(ask(10, 100), 100, kToday + 1);
  purse.settle(1, Cost{});
  EXPECT_FALSE(purse.covers(tokens(101), now));
}

TEST_F(PurseTest, TheDayEndsAsEarlyAsItMay) {
  const auto request = ask(10, 300);
  now += seconds(4);  // the answer was long on its way
  granted(request, 300, kToday, seconds(10));
  EXPECT_TRUE(purse.covers(tokens(300), now + seconds(5)));
  EXPECT_FALSE(purse.covers(tokens(300), now + seconds(6)));
}

TEST_F(PurseTest, GivesBackWhatItDoesNotNeed) {
  EXPECT_FALSE(purse.give_back(now).has_value());
  granted(ask(10, 300), 300);
  purse.spend(1, tokens(100));
  EXPECT_FALSE(purse.give_back(now).has_value()) << "a request is in flight";
  purse.settle(1, tokens(50));
  const auto request = purse.give_back(now);
  ASSERT_TRUE(request.has_value());
  EXPECT_EQ(request->returned, tokens(250));
  EXPECT_TRUE(request->only_returns());
  granted(request, 0);
  EXPECT_FALSE(purse.spent()) << "nothing was refused";
  EXPECT_FALSE(purse.give_back(now).has_value());
}

TEST_F(PurseTest, KeepsWhatItCouldNotReturn) {
  granted(ask(10, 300), 300);
  failed(ask(400, 400), ErrorKind::unavailable);
  EXPECT_TRUE(purse.covers(tokens(300), now));
  EXPECT_FALSE(ask(400, 400).has_value()) << "not at once";
  now += seconds(1);
  EXPECT_TRUE(ask(400, 400).has_value());
}

/// The statement may have been carried out: then its part is lost, and what was returned is another worker's.
TEST_F(PurseTest, InDoubtItCountsWhatIsWorse) {
  granted(ask(10, 300), 300);
  failed(ask(400, 400), ErrorKind::in_doubt);
  EXPECT_FALSE(purse.covers(tokens(1), now));
  now += seconds(1);
  granted(ask(10, 100), 100);
  purse.spend(1, tokens(100));
  purse.settle(1, tokens(130));
  failed(ask(10, 100), ErrorKind::in_doubt);
  now += seconds(1);
  EXPECT_EQ(ask(10, 100)->returned, tokens(-30)) << "a debt is said again";
}

TEST_F(PurseTest, DollarsAndTokensBothLimit) {
  purse.limit_to("vectorizer 1", {.tokens = 1000, .nano_usd = 10'000});
  const auto request = purse.ask({10, 200}, {300, 6'000}, now);
  ASSERT_TRUE(request.has_value());
  purse.answered(
      {.request = *request,
       .part = BudgetAnswer::Part{.cost = {300, 4'000}, .day = kToday, .day_left = std::chrono::hours(1)}},
      now);
  EXPECT_TRUE(purse.covers({200, 4'000}, now));
  EXPECT_FALSE(purse.covers({200, 4'001}, now));
  EXPECT_FALSE(purse.covers({301, 4'000}, now));
  EXPECT_EQ(purse.most_tokens(20), 200U) << "4,000 billionths at 20 each";
  EXPECT_EQ(purse.most_tokens(0), 300U) << "at no price, the tokens alone limit";
}

TEST_F(PurseTest, ThePartForATextThatCostsMoreThanADayIsForThatTextOnly) {
  granted(ask(1500, 1500), 1500);
  EXPECT_TRUE(purse.covers(tokens(1500), now));
  EXPECT_FALSE(purse.covers(tokens(10), now));
  purse.spend(1, tokens(1500));
  purse.settle(1, Cost{});  // the text was refused
  EXPECT_FALSE(purse.covers(tokens(10), now));
  EXPECT_EQ(ask(10, 300)->returned, tokens(1500));
}

TEST_F(PurseTest, ForgetsABudgetThatIsNoMore) {
  granted(ask(10, 300), 300);
  purse.limit_to("endpoint openai", {});
  purse.limit_to("endpoint openai", {.tokens = 500});
  EXPECT_FALSE(purse.covers(tokens(1), now));
}

}  // namespace
}  // namespace embedd
