// What every Queue must do for vectorizers over one source that change their places: the names of their
// destinations are others' from one moment to the next, and the queue learns of it by a poll.
#include <gmock/gmock.h>

#include <algorithm>

#include "contract/queue_contract.h"
#include "contract/store_contract.h"

namespace embedd::test {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Optional;
using testing::SizeIs;
using Switch = QueueWorld::Switch;

namespace {

constexpr Duration kLeaseIsOver = seconds(61);
const std::vector<float> kLiving = {0, 0.5F, 1}, kNext = {9, 0.5F, 1};

Settlement with(Settlement settlement, Action action) {
  settlement.action = action;
  return settlement;
}

/// Which stores {9, 0.5, 1}.
Settlement nine(Settlement settlement) {
  settlement.vectors.values[0] = 9;
  return settlement;
}

}  // namespace

VectorizerId QueueContract::begin_walked_change() {
  const VectorizerId next = world().begin_change();
  EXPECT_TRUE(poll().has_value());
  walk_all_of(next);
  return next;
}

TEST_P(QueueContract, ASuccessorIsFilledBesideTheLivingOne) {
  embed_row(1, "one");
  const VectorizerId next = world().begin_change();
  ASSERT_NE(next, 0);
  EXPECT_EQ(world().begin_change(), 0) << "one at a time";
  EXPECT_FALSE(world().switch_places(Switch::at_any_rate)) << "it has not seen all rows";
  EXPECT_THAT(*poll(), SizeIs(2));
  EXPECT_EQ(walk_all_of(next), 1U);
  EXPECT_FALSE(world().switch_places(Switch::when_complete)) << "a row waits";
  const Job job = claim_one_of(next);
  EXPECT_EQ(job.text, "one next");
  EXPECT_EQ(settle_one(nine(complete({job}))), Outcome::done);
  EXPECT_THAT(world().vector_of(1), Optional(kLiving));
  EXPECT_THAT(world().vector_of(1, "_next"), Optional(kNext));
  EXPECT_THAT(*claim().jobs, IsEmpty());
  world().update_text(1, "two");
  EXPECT_EQ(claim_one().text, "two");
  EXPECT_EQ(claim_one_of(next).text, "two next");
  EXPECT_TRUE(world().switch_places(Switch::when_complete)) << "the row waits for either vector";
}

TEST_P(QueueContract, ASwitchWaitsForARowThatIsRefused) {
  embed_row(1, "one");
  const VectorizerId next = begin_walked_change();
  EXPECT_EQ(settle_one(act(Action::discard, {claim_one_of(next)})), Outcome::done);
  EXPECT_FALSE(world().switch_places(Switch::when_complete));
  world().update_text(1, "two");
  EXPECT_EQ(settle_one(act(Action::discard, {claim_one()})), Outcome::done);
  EXPECT_EQ(settle_one(act(Action::discard, {claim_one_of(next)})), Outcome::done);
  EXPECT_TRUE(world().switch_places(Switch::when_complete)) << "either has refused it";
}

TEST_P(QueueContract, StatementsWithAFormerNameFailAndLoseNothing) {
  constexpr int kRows = 4;
  for (int row = 0; row < kRows; ++row) world().put_row(row, "text");
  const Claim held = claim();
  const std::vector<Job>& jobs = *held.jobs;
  ASSERT_THAT(jobs, SizeIs(kRows));
  world().put_row(kRows, "unseen", Capture::unseen);
  begin_walked_change();
  ASSERT_TRUE(world().switch_places(Switch::at_any_rate));

  const VectorizerId id = world().vectorizer();
  const auto kind = [](const auto& result) {
    return result ? std::nullopt : std::optional(result.error().kind);
  };
  EXPECT_EQ(kind(try_claim(id).jobs), ErrorKind::misconfigured);
  EXPECT_EQ(kind(try_walk(id).progress), ErrorKind::misconfigured);
  EXPECT_EQ(kind(try_settle(complete({jobs[0]})).outcomes), ErrorKind::misconfigured);
  for (const Action action : {Action::clear, Action::drop, Action::discard})
    EXPECT_EQ(kind(try_settle(act(action, {jobs[0]})).outcomes), ErrorKind::misconfigured);

  // What is settled in the queue alone is nobody else's.
  EXPECT_EQ(settle_one(with(complete({jobs[0]}), Action::keep)), Outcome::kept);
  EXPECT_EQ(settle_one(act(Action::reschedule, {jobs[1]})), Outcome::done);
  EXPECT_EQ(settle_one(act(Action::extend, {jobs[2]}, seconds(60))), Outcome::done);
  for (int row = 0; row < kRows; ++row) {
    EXPECT_EQ(world().vector_of(row), std::nullopt);
    EXPECT_EQ(world().vector_of(row, "_old"), std::nullopt);
  }
  EXPECT_EQ(world().jobs(), static_cast<std::size_t>(kRows));
  EXPECT_EQ(world().dead_letters(), 0U);

  EXPECT_THAT(*poll(), SizeIs(2));
  world().advance(kLeaseIsOver);
  EXPECT_EQ(walk_all(), 1U);
  const Claim claimed = claim();
  const std::vector<Job>& again = *claimed.jobs;
  ASSERT_THAT(again, SizeIs(kRows + 1));
  const auto kept = [](const Job& job) { return job.task == Task::store_kept; };
  ASSERT_EQ(std::ranges::count_if(again, kept), 1);
  for (const Job& job : again)
    EXPECT_EQ(settle_one(kept(job) ? complete_kept(job) : complete({job})), Outcome::done);
  for (int row = 0; row <= kRows; ++row) {
    EXPECT_EQ(world().vector_of(row), std::nullopt) << "that column is the successor's";
    EXPECT_THAT(world().vector_of(row, "_old"), Optional(kLiving));
  }
  EXPECT_EQ(world().jobs(), 0U);
}

TEST_P(QueueContract, TheSuccessorsFormerNameIsNobodys) {
  world().put_row(1, "one");
  const VectorizerId next = begin_walked_change();
  const Job job = claim_one_of(next);
  ASSERT_TRUE(world().switch_places(Switch::at_any_rate));
  EXPECT_FALSE(try_settle(nine(complete({job}))).outcomes);
  EXPECT_FALSE(try_claim(next).jobs);
  EXPECT_EQ(settle_one(with(nine(complete({job})), Action::keep)), Outcome::kept);
  EXPECT_TRUE(poll().has_value());
  world().advance(seconds(1));
  EXPECT_TRUE(try_claim(next).jobs) << "it is due at its time";
  EXPECT_EQ(world().vector_of(1), std::nullopt);
}

TEST_P(QueueContract, WhatChangedPlacesIsKeptTrueUnderEitherName) {
  embed_row(1, "one");
  const VectorizerId next = begin_walked_change();
  EXPECT_EQ(settle_one(nine(complete({claim_one_of(next)}))), Outcome::done);
  EXPECT_FALSE(world().switch_places(Switch::back)) << "nothing was replaced";
  ASSERT_TRUE(world().switch_places(Switch::when_complete));
  EXPECT_FALSE(world().switch_places(Switch::when_complete)) << "there is no other successor";
  EXPECT_THAT(world().vector_of(1), Optional(kNext));
  EXPECT_THAT(world().vector_of(1, "_old"), Optional(kLiving));
  EXPECT_TRUE(poll().has_value());
  EXPECT_THAT(*claim().jobs, IsEmpty()) << "a rename is no change of a vector";
  EXPECT_THAT(*claim_of(next).jobs, IsEmpty());
  EXPECT_EQ(walk_all() + walk_all_of(next), 0U);

  world().put_vector(1, std::nullopt);
  EXPECT_THAT(*claim().jobs, IsEmpty());
  EXPECT_EQ(settle_one(complete_kept(claim_one_of(next))), Outcome::done);
  EXPECT_THAT(world().vector_of(1), Optional(kNext));

  world().update_text(1, "two");
  ASSERT_TRUE(world().switch_places(Switch::back));
  EXPECT_TRUE(poll().has_value());
  EXPECT_EQ(settle_one(complete({claim_one()})), Outcome::done);
  EXPECT_EQ(claim_one_of(next).text, "two next");
  EXPECT_THAT(world().vector_of(1), Optional(kLiving));
  EXPECT_THAT(world().vector_of(1, "_next"), Optional(kNext));
}

TEST_P(QueueContract, AChangeThatIsGivenUpLeavesTheLivingOneAsItIs) {
  world().put_row(1, "one");
  EXPECT_FALSE(world().cancel_change());
  EXPECT_FALSE(world().prune());
  const VectorizerId next = begin_walked_change();
  const Job living = claim_one(), given_up = claim_one_of(next);
  EXPECT_FALSE(world().prune()) << "nothing was replaced";
  ASSERT_TRUE(world().cancel_change());
  EXPECT_FALSE(try_settle(complete({given_up})).outcomes);
  EXPECT_FALSE(try_claim(next).jobs);
  EXPECT_EQ(settle_one(complete({living})), Outcome::done);
  EXPECT_THAT(*poll(), SizeIs(1));
  EXPECT_NE(world().begin_change(), 0);
}

TEST_P(QueueContract, WhatIsPrunedIsGone) {
  embed_row(1, "one");
  const VectorizerId next = begin_walked_change();
  ASSERT_TRUE(world().switch_places(Switch::at_any_rate));
  EXPECT_NE(world().begin_change(), 0) << "a change may follow";
  EXPECT_FALSE(world().switch_places(Switch::at_any_rate)) << "what was replaced has the name";
  ASSERT_TRUE(world().prune());
  EXPECT_FALSE(try_claim(world().vectorizer()).jobs);
  EXPECT_THAT(*poll(), SizeIs(2));
  EXPECT_EQ(settle_one(nine(complete({claim_one_of(next)}))), Outcome::done);
  EXPECT_THAT(world().vector_of(1), Optional(kNext));
}

TEST_P(StoreContract, StatementsWithAFormerNameFailAndLoseNothing) {
  stage_row(1, "a b", {"a", "b"});
  EXPECT_THAT(buy_all(), SizeIs(2));
  const Job bought = claim_one();
  world().put_row(2, "c");
  const Job uncut = claim_one();
  begin_walked_change();
  ASSERT_TRUE(world().switch_places(Switch::at_any_rate));

  EXPECT_FALSE(try_claim(world().vectorizer()).jobs);
  EXPECT_FALSE(try_walk(world().vectorizer()).progress);
  EXPECT_FALSE(try_settle(staging(uncut, {"c"})).outcomes);
  for (const Action action : {Action::complete, Action::clear, Action::drop, Action::discard})
    EXPECT_FALSE(try_settle(act(action, {bought})).outcomes);
  EXPECT_EQ(settle_one(act(Action::keep, {bought})), Outcome::kept);
  EXPECT_THAT(store().stored(1), IsEmpty());
  EXPECT_THAT(store().stored(1, "_old"), IsEmpty());
  EXPECT_EQ(store().staged(), 2U);
  EXPECT_EQ(world().jobs(), 2U);

  EXPECT_TRUE(poll().has_value());
  world().advance(kLeaseIsOver);
  EXPECT_THAT(claim_chunks(), IsEmpty()) << "they are bought";
  const Claim again = claim();
  ASSERT_THAT(*again.jobs, SizeIs(2));
  for (const Job& job : *again.jobs) {
    if (job.key == world().key_of(1))
      EXPECT_EQ(settle_one(act(Action::complete, {job})), Outcome::done);
    else
      EXPECT_EQ(stage(job, {"c"}), Outcome::done);
  }
  EXPECT_THAT(store().stored(1), IsEmpty()) << "that store is the successor's";
  EXPECT_THAT(store().stored(1, "_old"), ElementsAre("a=6", "b=6"));
}

TEST_P(StoreContract, ChunksBoughtDuringASwitchComeIntoTheStoreOfTheirOwnVectorizer) {
  EXPECT_EQ(walk_all(), 0U);
  stage_row(1, "a", {"a"});
  EXPECT_THAT(claim_chunks(), ElementsAre("sent a"));
  begin_walked_change();
  ASSERT_TRUE(world().switch_places(Switch::at_any_rate));
  EXPECT_THAT(buy_chunks(), Each(Outcome::done)) << "they have no name that changes";
  EXPECT_TRUE(poll().has_value());
  EXPECT_EQ(swap(), Outcome::done);
  EXPECT_THAT(store().stored(1, "_old"), ElementsAre("a=6"));
  EXPECT_THAT(store().stored(1), IsEmpty());
  ASSERT_TRUE(world().switch_places(Switch::back));
  EXPECT_THAT(store().stored(1), ElementsAre("a=6"));
}

}  // namespace embedd::test
