// Where claims and polls begin to read a queue.
#include "queue/heads.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace embedd::queue {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

constexpr VectorizerId kOne = 1, kTwo = 2;
constexpr QueueHead kBeginning{};

class QueueHeadsTest : public testing::Test {
 protected:
  /// A poll at `now` that finds `head`; `from`: where it was asked to begin.
  void poll(VectorizerId vectorizer, QueueHead head, Duration took) {
    const auto from = heads.for_poll(now);
    if (const auto found = from.find(vectorizer); found != from.end())
      heads.read(vectorizer, found->second, head);
    else
      heads.read_all(vectorizer, head, took);
    heads.polled(now, [](VectorizerId) { return true; });
  }

  QueueHeads heads{milliseconds(10)};
  Instant now{seconds(1000)};
};

TEST_F(QueueHeadsTest, WhereReadingIsQuickClaimsBeginAtTheBeginning) {
  EXPECT_EQ(heads.of(kOne), kBeginning);
  poll(kOne, {.live = 100, .backfill = 200}, milliseconds(9));
  heads.read(kOne, kBeginning, {.live = 150, .backfill = 250});
  EXPECT_EQ(heads.of(kOne), kBeginning);
}

TEST_F(QueueHeadsTest, WhereItIsSlowClaimsGoOnWhereTheLastOneEnded) {
  poll(kOne, {.live = 100, .backfill = 200}, milliseconds(10));
  EXPECT_EQ(heads.of(kOne), (QueueHead{.live = 100, .backfill = 200}));
  heads.read(kOne, heads.of(kOne), {.live = 150, .backfill = 200});
  EXPECT_EQ(heads.of(kOne), (QueueHead{.live = 150, .backfill = 200}));
  heads.read(kOne, heads.of(kOne), {.live = 140, .backfill = 260});
  EXPECT_EQ(heads.of(kOne), (QueueHead{.live = 150, .backfill = 260})) << "what is done stays done";
  EXPECT_EQ(heads.of(kTwo), kBeginning);
}

TEST_F(QueueHeadsTest, APollThatReadFromTheBeginningIsBelieved) {
  poll(kOne, {.live = 100, .backfill = 200}, milliseconds(10));
  heads.read(kOne, heads.of(kOne), {.live = 150, .backfill = 250});
  now += seconds(5);
  poll(kOne, {.live = 30, .backfill = 250}, milliseconds(10));
  EXPECT_EQ(heads.of(kOne), (QueueHead{.live = 30, .backfill = 250}));
}

TEST_F(QueueHeadsTest, AClaimThatWasOnItsWayBeforeDoesNotHideWhatThePollFound) {
  poll(kOne, {.live = 100, .backfill = 200}, milliseconds(10));
  const QueueHead from = heads.of(kOne);
  now += seconds(5);
  poll(kOne, {.live = 30, .backfill = 200}, milliseconds(10));
  heads.read(kOne, from, {.live = 150, .backfill = 250});
  EXPECT_EQ(heads.of(kOne), (QueueHead{.live = 30, .backfill = 250}));
}

TEST_F(QueueHeadsTest, AQueueThatIsQuickToReadAgainIsReadFromItsBeginning) {
  poll(kOne, {.live = 100, .backfill = 200}, seconds(1));
  now += seconds(10);
  poll(kOne, {.live = 100, .backfill = 200}, milliseconds(1));
  EXPECT_EQ(heads.of(kOne), kBeginning);
}

TEST_F(QueueHeadsTest, PollsReadFromTheBeginningForATenthOfTheTimeAtMost) {
  EXPECT_THAT(heads.for_poll(now), IsEmpty());
  // A second for both of them: nine seconds without.
  heads.read_all(kOne, {.live = 100, .backfill = 200}, milliseconds(600));
  heads.read_all(kTwo, {.live = 10, .backfill = 20}, milliseconds(400));
  heads.polled(now, [](VectorizerId) { return true; });
  now += seconds(8);
  EXPECT_THAT(heads.for_poll(now), ElementsAre(Pair(kOne, QueueHead{.live = 100, .backfill = 200}),
                                               Pair(kTwo, QueueHead{.live = 10, .backfill = 20})));
  poll(kOne, {.live = 120, .backfill = 220}, Duration{});
  EXPECT_EQ(heads.of(kOne), (QueueHead{.live = 120, .backfill = 220}));
  now += seconds(1);
  EXPECT_THAT(heads.for_poll(now), IsEmpty());
}

TEST_F(QueueHeadsTest, AQueueThatIsNotListedIsForgotten) {
  poll(kOne, {.live = 100, .backfill = 200}, seconds(1));
  heads.polled(now, [](VectorizerId id) { return id != kOne; });
  EXPECT_EQ(heads.of(kOne), kBeginning);
  EXPECT_THAT(heads.for_poll(now), IsEmpty());
}

}  // namespace
}  // namespace embedd::queue
