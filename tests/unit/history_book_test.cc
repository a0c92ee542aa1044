// What a worker records of each minute: only what changed, and once.
#include "queue/history_book.h"

#include <gtest/gtest.h>

#include <chrono>

namespace embedd::queue {
namespace {

using std::chrono::minutes;

class History : public testing::Test {
 protected:
  static VectorizerState state(VectorizerId id, std::int64_t jobs, std::int64_t dead_letters = 0) {
    VectorizerState out;
    out.vectorizer.id = id;
    out.jobs_estimate = jobs;
    out.dead_letters = dead_letters;
    return out;
  }
  void poll(std::vector<VectorizerState> states) { book.polled(states); }

  HistoryBook book;
  Instant now = Instant{} + std::chrono::hours(5);
};

TEST_F(History, OnceAMinuteWhatChanged) {
  poll({state(1, 5, 2), state(2, 0)});
  auto rows = book.next(now);
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 2u) << "at first everything is new";
  EXPECT_EQ((*rows)[0].jobs, 5);
  EXPECT_EQ((*rows)[0].dead_letters, 2);

  book.stored(1, 3);
  book.fresh(1, milliseconds(20));
  book.bought(1, 70);
  poll({state(1, 2, 2), state(2, 0)});
  EXPECT_FALSE(book.next(now + seconds(59)));
  rows = book.next(now + minutes(1));
  ASSERT_TRUE(rows);
  ASSERT_EQ(rows->size(), 1u);
  EXPECT_EQ((*rows)[0].vectorizer, 1);
  EXPECT_EQ((*rows)[0].jobs, 2);
  EXPECT_EQ((*rows)[0].rows, 3);
  EXPECT_EQ((*rows)[0].tokens, 70);
  EXPECT_EQ((*rows)[0].fresh.total(), 1);
}

TEST_F(History, NothingHappenedIsNoRowButOnceAnHourAStatement) {
  poll({state(1, 0)});
  EXPECT_EQ(book.next(now)->size(), 1u);
  for (int minute = 1; minute < 60; ++minute) {
    poll({state(1, 0)});
    EXPECT_FALSE(book.next(now + minutes(minute))) << minute;
  }
  const auto rows = book.next(now + minutes(60));
  ASSERT_TRUE(rows) << "old rows are deleted";
  EXPECT_TRUE(rows->empty());
}

TEST_F(History, WhatIsNotKnownIsNotRecorded) {
  poll({state(1, 7)});
  EXPECT_EQ(book.next(now)->size(), 1u);
  VectorizerState broken = state(1, 0);
  broken.problem = "its queue cannot be read";
  poll({broken});
  EXPECT_FALSE(book.next(now + minutes(1)));
  book.stored(2, 5);
  poll({state(1, 7)});
  EXPECT_FALSE(book.next(now + minutes(2))) << "a vectorizer that is no longer there";
}

TEST_F(History, TokensStayWithinABigint) {
  poll({state(1, 0)});
  book.bought(1, 1ULL << 63);
  book.bought(1, 1ULL << 63);
  EXPECT_EQ(book.next(now)->front().tokens, std::numeric_limits<std::int64_t>::max());
}

}  // namespace
}  // namespace embedd::queue
