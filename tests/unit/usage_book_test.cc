// What was bought is booked once, or said to be lost; nobody's figures wait for another's.
#include "queue/usage_book.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

namespace embedd::queue {
namespace {

using namespace std::chrono_literals;
using testing::IsEmpty;
using testing::SizeIs;

const UsageBook::Key kOne{1, "m"}, kTwo{2, "m"}, kThree{3, "m"};
const Error kRefused{ErrorKind::rejected, "bigint out of range"};
const Error kLocked{ErrorKind::conflict, "canceling statement due to lock timeout"};
const Error kLost{ErrorKind::in_doubt, "the connection was lost"};

class Book : public testing::Test {
 protected:
  /// A database that refuses the entries of `bad`, and every statement with one of them. Runs for `length`;
  /// the statements that it got.
  int run(const std::vector<UsageBook::Key>& bad, Duration length) {
    int statements = 0;
    for (const Instant end = now + length; now < end;) {
      auto entries = book.next(now);
      if (!entries) {
        const auto next = book.next_at();
        if (!next) break;
        now = std::max(now + 1ms, *next);
        continue;
      }
      ++statements;
      std::optional<Error> error;
      for (const UsageBook::Key& key : bad)
        if (entries->contains(key)) error = kRefused;
      if (!error)
        for (const auto& [key, bought] : *entries) booked[key] += bought;
      book.booked(std::move(*entries), error, now);
      now += 1ms;
    }
    return statements;
  }

  UsageBook book;
  std::map<UsageBook::Key, Bought> booked;
  Instant now{seconds(1000)};
};

TEST_F(Book, EverythingTravelsTogetherOnceASecond) {
  book.add(kOne, {.requests = 1, .tokens = 10});
  book.add(kOne, {.rows = 5});
  book.add(kTwo, {.requests = 2, .tokens = 20});
  auto entries = book.next(now);
  ASSERT_TRUE(entries);
  EXPECT_THAT(*entries, SizeIs(2));
  EXPECT_EQ(entries->at(kOne).rows, 5U);
  book.add(kOne, {.rows = 1});
  EXPECT_FALSE(book.next(now)) << "one statement at a time";
  EXPECT_EQ(book.next_at(), std::nullopt);
  book.booked(std::move(*entries), std::nullopt, now);
  EXPECT_FALSE(book.next(now + 999ms));
  EXPECT_EQ(book.next_at(), now + 1s);
  EXPECT_TRUE(book.next(now + 1s));
}

TEST_F(Book, OneThatIsRefusedHoldsNobodyUpAndIsTriedAgainLater) {
  for (const auto& key : {kOne, kTwo, kThree}) book.add(key, {.requests = 1, .rows = 1, .tokens = 1});
  const int statements = run({kTwo}, 1h);
  EXPECT_EQ(booked[kOne].tokens, 1U);
  EXPECT_EQ(booked[kThree].tokens, 1U);
  EXPECT_EQ(booked[kTwo].tokens, 0U);
  EXPECT_LE(statements, 30) << "its pauses grow";
  // What comes meanwhile is booked as ever.
  book.add(kOne, {.tokens = 1});
  book.add(kTwo, {.tokens = 1});
  run({kTwo}, 2s);
  EXPECT_EQ(booked[kOne].tokens, 2U);
  EXPECT_THAT(book.take_unbooked(), testing::Not(IsEmpty()));
  run({}, 10min);
  EXPECT_EQ(booked[kTwo].tokens, 2U) << "nothing was lost";
  EXPECT_EQ(booked[kTwo].requests, 1U);
}

TEST_F(Book, ALockedTableIsWaitedForAndSaidOnlyWhenItStaysLocked) {
  book.add(kOne, {.tokens = 1});
  book.add(kTwo, {.tokens = 1});
  std::vector<Duration> pauses;
  for (int time = 0; time < 6; ++time) {
    auto entries = book.next(now);
    ASSERT_TRUE(entries);
    EXPECT_THAT(*entries, SizeIs(2)) << "nobody is at fault";
    book.booked(std::move(*entries), kLocked, now);
    EXPECT_EQ(book.take_unbooked().empty(), time < 3);
    pauses.push_back(*book.next_at() - now);
    now = *book.next_at();
  }
  EXPECT_GE(pauses.front(), 750ms);
  EXPECT_GE(pauses.back(), 20s);
}

TEST_F(Book, WhatIsInDoubtCountsAsBooked) {
  book.add(kOne, {.tokens = 1});
  auto entries = book.next(now);
  book.booked(std::move(*entries), kLost, now);
  EXPECT_EQ(book.next_at(), std::nullopt);
  EXPECT_THAT(book.take_unbooked(), IsEmpty());
}

TEST_F(Book, AtTheEndAllGoAtOnceAndARefusedOneKeepsItsPausesAfterwards) {
  book.add(kOne, {.tokens = 1});
  book.add(kTwo, {.tokens = 1});
  run({kTwo}, 1min);
  book.add(kOne, {.tokens = 1});
  book.hurry(now);
  EXPECT_TRUE(book.due_before(now));
  EXPECT_THAT(book.take_unbooked(), testing::Not(IsEmpty()));
  EXPECT_EQ(run({kTwo}, 2s), 2) << "one for each of them";
  EXPECT_THAT(book.take_unbooked(), SizeIs(1));
  EXPECT_EQ(booked[kOne].tokens, 2U);
  book.add(kOne, {.tokens = 1});
  EXPECT_TRUE(book.due_before(now)) << "nothing waits for company";
  book.give_up();
  const std::vector<Unbooked> unbooked = book.take_unbooked();
  ASSERT_THAT(unbooked, testing::Not(IsEmpty()));
  EXPECT_TRUE(unbooked.back().lost);
  EXPECT_EQ(unbooked.back().vectorizer, 2);
  EXPECT_EQ(unbooked.front().vectorizer, 1) << "not tried any more";
  EXPECT_EQ(unbooked.back().error.message, kRefused.message);
  EXPECT_FALSE(book.due_before(Instant::max()));
}

TEST_F(Book, AtTheEndALockedTableIsAskedOnceMoreAndThenWithItsPauses) {
  book.add(kOne, {.tokens = 1});
  int statements = 0;
  const auto ask = [&](Duration length) {
    for (const Instant end = now + length; now < end; now += 1ms)
      if (auto entries = book.next(now)) {
        ++statements;
        book.booked(std::move(*entries), kLocked, now);
      }
    return std::exchange(statements, 0);
  };
  ask(1min);
  book.hurry(now);
  EXPECT_EQ(ask(3s), 1);
}

TEST_F(Book, AmountsStayWithinBigint) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  for (int time = 0; time < 3; ++time)
    book.add(kOne, {.requests = kMost - 1, .rows = 1, .tokens = std::numeric_limits<std::uint64_t>::max()});
  const auto entries = book.next(now);
  EXPECT_EQ(entries->at(kOne).requests, kMost);
  EXPECT_EQ(entries->at(kOne).rows, 3U);
  EXPECT_EQ(entries->at(kOne).tokens, kMost);
}

TEST_F(Book, AThousandEntriesWaitAndMoreAreGivenUpAndSaid) {
  for (VectorizerId id = 1; id <= 1030; ++id) book.add({id, "m"}, {.tokens = 1});
  const std::vector<Unbooked> unbooked = book.take_unbooked();
  EXPECT_THAT(unbooked, SizeIs(6));
  for (const Unbooked& each : unbooked) EXPECT_TRUE(each.lost);
  EXPECT_THAT(*book.next(now), SizeIs(1024));
}

}  // namespace
}  // namespace embedd::queue
