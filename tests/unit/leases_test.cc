// Which leases are extended, when, and what becomes of those that are lost.
#include "core/leases.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_parts.h"

namespace embedd {
namespace {

using test::WorkerParts;
using testing::ElementsAre;
using testing::IsEmpty;

/// Leases of 60 seconds: they are due when 40 are left.
class Leasing : public WorkerParts {
 protected:
  /// A job whose lease has so long to go.
  LeasedJob lasting(const Key& key, Duration left) {
    LeasedJob leased = job(key);
    leased.lapses_at = now + left;
    return leased;
  }
  LeasedJob due(const Key& key) { return lasting(key, seconds(30)); }
  LeasedJob suspect(LeasedJob leased) {
    leased.max_company = 1;
    return leased;
  }
  /// The queue answers what was sent last.
  void answer(Outcome outcome) { answer(*queue.settlements.back(), outcome); }
  void answer(const Settlement& settlement, Outcome outcome) {
    receive({.id = settlement.id, .outcomes = std::vector<Outcome>(settlement.jobs.size(), outcome)});
  }
  void receive(Receipt receipt) {
    queue.receipts.push_back(std::move(receipt));
    const Settlements::News news = state.settlements.take(now, false);
    for (const auto& extended : news.extended) leases.extended(extended);
    for (const auto& [id, job] : news.lost) leases.lost(id, job);
  }
  [[nodiscard]] Instant lapses_at(std::uint64_t request) const {
    return state.in_flight.batches().at(request).jobs.front().lapses_at;
  }

  Leases leases{state};
};

struct Age {
  const char* name;
  Duration left;
  bool extended;
};
class LeasesOfAnAge : public Leasing, public testing::WithParamInterface<Age> {};

TEST_P(LeasesOfAnAge, AreExtendedIfTheyAreOlderThanAThirdOfTheirTime) {
  notes.buffer.push_back(lasting("a", GetParam().left));
  leases.extend(now);
  EXPECT_EQ(settled().size(), GetParam().extended ? 1U : 0U);
}

INSTANTIATE_TEST_SUITE_P(Jobs, LeasesOfAnAge,
                         testing::Values(Age{"fresh", seconds(60), false},
                                         Age{"not_yet_due", milliseconds(40'001), false},
                                         Age{"due", seconds(40), true},
                                         Age{"about_to_lapse", milliseconds(1), true},
                                         Age{"lapsed_and_maybe_anothers", Duration{}, false}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST_F(Leasing, AllThatIsHeldIsExtendedWhereverItIs) {
  Lane& mails = add_lane(2, "mails");
  in_flight(notes, {due("a"), due("b")});
  notes.buffer.push_back(due("c"));
  notes.buffer.push_back(suspect(due("d")));
  mails.buffer.push_back(due("e"));
  keeper.reschedule(notes.vectorizer, jobs({"f"}), Duration{}, now - seconds(20));
  settled();
  leases.extend(now);
  for (const auto& settlement : queue.settlements) EXPECT_EQ(settlement->delay, seconds(60));
  EXPECT_THAT(settled(), ElementsAre("extend a b", "extend c", "extend d", "extend e", "extend f"));
}

TEST_F(Leasing, ASettlementThatIsYoungNeedsNoLongerLease) {
  keeper.reschedule(notes.vectorizer, jobs({"f"}), Duration{}, now - seconds(19));
  settled();
  leases.extend(now);
  EXPECT_THAT(settled(), IsEmpty());
}

TEST_F(Leasing, AreLookedAtOnceInASixthOfTheirTime) {
  notes.buffer.push_back(due("a"));
  leases.extend(now);
  answer(Outcome::busy);
  settled();
  EXPECT_EQ(leases.next(), now + seconds(10));
  leases.extend(now + milliseconds(9'999));
  EXPECT_THAT(settled(), IsEmpty());
  leases.extend(now + seconds(10));
  EXPECT_THAT(settled(), ElementsAre("extend a"));
}

TEST_F(Leasing, AreNotAskedForTwiceAtATime) {
  notes.buffer.push_back(due("a"));
  leases.extend(now);
  settled();
  leases.extend(now + seconds(20));
  EXPECT_THAT(settled(), IsEmpty()) << "the first is not answered yet";
}

TEST_F(Leasing, AreAskedForAsSoonAsTheDatabaseIsBack) {
  notes.buffer.push_back(due("a"));
  queue.connected = false;
  leases.extend(now);
  EXPECT_THAT(settled(), IsEmpty());
  queue.connected = true;
  leases.extend(now);
  EXPECT_THAT(settled(), ElementsAre("extend a"));
}

// Invariant: a lease lasts until what the database has confirmed, and no longer.
TEST_F(Leasing, OnlyWhatTheDatabaseSaysIsBelieved) {
  const Instant before = now + seconds(30), after = now + seconds(60);
  const std::uint64_t request = in_flight(notes, {due("a")});
  leases.extend(now);
  EXPECT_EQ(lapses_at(request), before) << "asked for is not extended";
  const auto sent = queue.settlements.back();
  now += seconds(5);
  answer(*sent, Outcome::done);
  EXPECT_EQ(lapses_at(request), after) << "counted from when it was sent, not answered";
}

TEST_F(Leasing, WhatIsNotExtendedLapses) {
  const Instant before = now + seconds(30);
  for (const ErrorKind kind : {ErrorKind::unavailable, ErrorKind::in_doubt, ErrorKind::canceled}) {
    const std::uint64_t request = in_flight(notes, {due("a")});
    Leases(state).extend(now);
    receive({.id = queue.settlements.back()->id, .outcomes = fail(kind, "no")});
    EXPECT_EQ(lapses_at(request), before) << name_of(kind);
    state.in_flight.take(request);
  }
}

TEST_F(Leasing, EachJobIsKnownByItsKeyAndItsToken) {
  LeasedJob again = due("a");  // the row was claimed anew
  again.job.lease.fill(99);
  notes.buffer.push_back(due("a"));
  const std::uint64_t request = in_flight(notes, {again});
  Lane& mails = add_lane(2, "mails");
  mails.buffer.push_back(due("a"));
  leases.extended({.vectorizer = notes.vectorizer.id,
                   .jobs = {embedd::settled(due("a"))},
                   .lapses_at = now + seconds(60)});
  EXPECT_EQ(notes.buffer.fresh().front().lapses_at, now + seconds(60));
  EXPECT_EQ(lapses_at(request), now + seconds(30)) << "another token";
  EXPECT_EQ(mails.buffer.fresh().front().lapses_at, now + seconds(30)) << "another vectorizer";
}

TEST_F(Leasing, AJobWhoseLeaseIsLostIsNotSent) {
  for (const char* key : {"a", "b", "c"}) notes.buffer.push_back(due(key));
  notes.buffer.push_back(suspect(due("d")));
  leases.extend(now);
  ASSERT_EQ(queue.settlements.size(), 2U);
  const auto fresh = queue.settlements[0], suspects = queue.settlements[1];
  receive({.id = fresh->id, .outcomes = std::vector<Outcome>{Outcome::done, Outcome::gone, Outcome::busy}});
  EXPECT_THAT(buffered(notes), ElementsAre("a", "c", "d"));
  answer(*suspects, Outcome::gone);
  EXPECT_THAT(buffered(notes), ElementsAre("a", "c"));
}

TEST_F(Leasing, ARowThatWasClaimedAnewStays) {
  SettledJob lost = embedd::settled(due("a"));
  lost.lease.fill(99);
  notes.buffer.push_back(due("a"));
  leases.lost(notes.vectorizer.id, lost);
  EXPECT_THAT(buffered(notes), ElementsAre("a"));
  leases.lost(7, lost);  // a vectorizer that is gone
}

}  // namespace
}  // namespace embedd
