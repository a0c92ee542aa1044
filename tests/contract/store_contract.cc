#include "contract/store_contract.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <memory>

namespace embedd::test {

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(StoreContract);

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

namespace {

constexpr const char* kNothing = "0 jobs, 0 chunk jobs, 0 waiting, 0 staged";
constexpr Duration kLooksAgain = seconds(16);  ///< a row that waits is due by then

}  // namespace

Outcome StoreContract::stage(const Job& job, const std::vector<std::string>& chunks, std::int64_t rest) {
  return settle_one(staging(job, chunks, rest));
}

Settlement StoreContract::staging(const Job& job, const std::vector<std::string>& chunks, std::int64_t rest) {
  Cut cut{.next = {.characters = rest,
                   .chunks = job.cut_from.chunks + static_cast<std::int32_t>(chunks.size()),
                   .state = std::string("state\0\xff", 7)},
          .last = rest == 0};
  for (const std::string& chunk : chunks) cut.chunks.push_back({.text = chunk, .sent = "sent " + chunk});
  Settlement settlement = act(Action::stage, {job});
  settlement.jobs[0].cut = std::make_shared<const Cut>(std::move(cut));
  settlement.jobs[0].first_chunk = job.cut_from.chunks;
  return settlement;
}

void StoreContract::stage_row(int row, const std::string& text, const std::vector<std::string>& chunks) {
  world().put_row(row, text);
  ASSERT_EQ(stage(claim_one(), chunks), Outcome::done);
}

std::vector<std::string> StoreContract::claim_chunks() {
  chunk_jobs_ = *claim_of(store().chunks_vectorizer()).jobs;
  std::vector<std::string> texts;
  for (const Job& job : chunk_jobs_) {
    EXPECT_EQ(job.task, Task::embed);
    texts.push_back(job.text);
  }
  return texts;
}

std::vector<Outcome> StoreContract::buy_chunks() {
  if (chunk_jobs_.empty()) return {};
  Settlement settlement = complete(chunk_jobs_);
  for (std::size_t i = 0; i < chunk_jobs_.size(); ++i)
    settlement.vectors.values[3 * i] = static_cast<float>(chunk_jobs_[i].text.size());
  chunk_jobs_.clear();
  return settle(settlement);
}

std::vector<std::string> StoreContract::buy_all() {
  std::vector<std::string> texts = claim_chunks();
  EXPECT_THAT(buy_chunks(), Each(Outcome::done));
  return texts;
}

Outcome StoreContract::swap() {
  const Job job = claim_one();
  EXPECT_EQ(job.task, Task::store_kept);
  return settle_one(act(Action::complete, {job}));
}

void StoreContract::store_row(int row, const std::string& text, const std::vector<std::string>& chunks) {
  stage_row(row, text, chunks);
  buy_all();
  ASSERT_EQ(swap(), Outcome::done);
}

std::string StoreContract::left_over() {
  return fmt::format("{} jobs, {} chunk jobs, {} waiting, {} staged", world().jobs(),
                     claim_of(store().chunks_vectorizer()).jobs->size(), store().waiting(), store().staged());
}

// ── Claim and stage

TEST_P(StoreContract, AClaimBringsAShortTextAsAWhole) {
  world().put_row(1, "a b");
  const Job job = claim_one();
  EXPECT_EQ(job.task, Task::cut);
  EXPECT_EQ(job.text, "a b");
  EXPECT_EQ(job.cut_from, ChunkCursor{});
  EXPECT_TRUE(job.cut_ends);
  EXPECT_EQ(job.whole_bytes, 3U);
}

TEST_P(StoreContract, ALongTextComesInWindowsWhichBeginWhereTheLastWasCut) {
  const auto window = static_cast<std::int64_t>(store().window());
  const std::string text = std::string(store().window(), 'x') + "rest";
  world().put_row(1, text);
  const Job first = claim_one();
  EXPECT_EQ(first.text, text.substr(0, store().window()));
  EXPECT_FALSE(first.cut_ends);
  EXPECT_EQ(first.whole_bytes, text.size());
  EXPECT_EQ(stage(first, {"x", "xx"}, window - 2), Outcome::done);

  const Job second = claim_one();
  EXPECT_EQ(second.task, Task::cut);
  EXPECT_EQ(second.text, "xxrest");
  EXPECT_EQ(second.cut_from.characters, window - 2);
  EXPECT_EQ(second.cut_from.chunks, 2);
  EXPECT_EQ(second.cut_from.state, std::string("state\0\xff", 7));
  EXPECT_TRUE(second.cut_ends);
  EXPECT_EQ(stage(second, {"rest"}), Outcome::done);
  EXPECT_THAT(buy_all(), UnorderedElementsAre("sent x", "sent xx", "sent rest"));
  EXPECT_EQ(swap(), Outcome::done);
  EXPECT_THAT(store().stored(1), ElementsAre("x=6", "xx=7", "rest=9"));
}

TEST_P(StoreContract, StagedChunksAreJobsOfTheirOwnEachOnce) {
  world().put_row(1, "a b a");
  world().put_row(2, "b c");
  const Claim claimed = claim();
  ASSERT_THAT(*claimed.jobs, SizeIs(2));
  for (const Job& job : *claimed.jobs) {
    const bool first = job.key == world().key_of(1);
    EXPECT_EQ(
        stage(job, first ? std::vector<std::string>{"a", "b", "a"} : std::vector<std::string>{"b", "c"}),
        Outcome::done);
  }
  EXPECT_EQ(store().staged(), 5U);
  EXPECT_EQ(store().waiting(), 3U);
  EXPECT_THAT(*claim().jobs, IsEmpty()) << "the rows wait for their chunks";
  EXPECT_THAT(claim_chunks(), UnorderedElementsAre("sent a", "sent b", "sent c"));
  EXPECT_THAT(store().stored(1), IsEmpty());
}

TEST_P(StoreContract, StagingTwiceFindsTheLeaseGone) {
  world().put_row(1, "a");
  const Job job = claim_one();
  EXPECT_EQ(stage(job, {"a"}), Outcome::done);
  EXPECT_EQ(stage(job, {"a"}), Outcome::gone);
  EXPECT_EQ(store().staged(), 1U);
}

TEST_P(StoreContract, ATextThatChangedIsNotStaged) {
  world().put_row(1, "before");
  const Job old = claim_one();
  world().update_text(1, "between");
  EXPECT_EQ(stage(old, {"before"}), Outcome::gone);
  const Job between = claim_one();
  EXPECT_EQ(between.text, "between");
  world().update_text(1, "after", Capture::unseen);
  EXPECT_EQ(stage(between, {"between"}), Outcome::stale);
  EXPECT_EQ(store().staged() + store().waiting(), 0U);
  EXPECT_EQ(settle_one(act(Action::reschedule, {between})), Outcome::done);
  EXPECT_EQ(claim_one().text, "after");
}

TEST_P(StoreContract, ATextThatCameBackIsCutFromItsBegin) {
  stage_row(1, "a b", {"a", "b"});
  world().update_text(1, "another");
  world().update_text(1, "a b");
  const Job job = claim_one();
  EXPECT_EQ(job.task, Task::cut);
  EXPECT_EQ(job.text, "a b");
  EXPECT_EQ(job.cut_from, ChunkCursor{});
  EXPECT_EQ(stage(job, {"a", "b"}), Outcome::done);
  EXPECT_THAT(buy_all(), UnorderedElementsAre("sent a", "sent b"));
  EXPECT_EQ(swap(), Outcome::done);
  EXPECT_THAT(store().stored(1), ElementsAre("a=6", "b=6"));
}

TEST_P(StoreContract, ChunksThatMoveFromWindowToWindowAreNotBoughtAgain) {
  const auto window = static_cast<std::int64_t>(store().window());
  const std::string rest(store().window(), 'x');
  world().put_row(1, "first" + rest);
  EXPECT_EQ(stage(claim_one(), {"a", "b"}, window), Outcome::done);
  EXPECT_EQ(stage(claim_one(), {"c", "d", "e"}), Outcome::done);
  EXPECT_THAT(buy_all(), SizeIs(5));
  world().update_text(1, "second" + rest);
  EXPECT_EQ(stage(claim_one(), {"b", "c"}, window), Outcome::done);
  world().update_text(1, "third" + rest);
  EXPECT_EQ(stage(claim_one(), {"new", "d"}, window), Outcome::done);
  EXPECT_EQ(stage(claim_one(), {"a", "c"}), Outcome::done);
  EXPECT_THAT(buy_all(), ElementsAre("sent new"));
  EXPECT_EQ(store().staged(), 4U);
  EXPECT_EQ(store().waiting(), 4U) << "b and e are not asked for any more";
  EXPECT_EQ(swap(), Outcome::done);
  EXPECT_THAT(store().stored(1), ElementsAre("new=8", "d=6", "a=6", "c=6"));
  EXPECT_EQ(left_over(), kNothing);
}

TEST_P(StoreContract, ChunksThatMoveToAnEarlierWindowAreNotBoughtAgain) {
  const auto window = static_cast<std::int64_t>(store().window());
  const std::string rest(store().window(), 'x');
  world().put_row(1, "first" + rest);
  EXPECT_EQ(stage(claim_one(), {"a", "b"}, window), Outcome::done);
  EXPECT_EQ(stage(claim_one(), {"c", "d"}), Outcome::done);
  EXPECT_THAT(buy_all(), SizeIs(4));
  world().update_text(1, "second" + rest);
  EXPECT_EQ(stage(claim_one(), {"b", "c"}, window), Outcome::done);
  EXPECT_EQ(stage(claim_one(), {"d"}), Outcome::done);
  EXPECT_THAT(claim_chunks(), IsEmpty());
  EXPECT_EQ(swap(), Outcome::done);
  EXPECT_THAT(store().stored(1), ElementsAre("b=6", "c=6", "d=6"));
  EXPECT_EQ(left_over(), kNothing);
}

// ── Chunks that are known

TEST_P(StoreContract, AKnownChunkIsNotAskedForAgain) {
  store_row(1, "a b", {"a", "b"});
  stage_row(2, "b a", {"b", "a"});
  EXPECT_THAT(claim_chunks(), IsEmpty());
  EXPECT_EQ(swap(), Outcome::done) << "due at once";
  EXPECT_THAT(store().stored(2), ElementsAre("b=6", "a=6"));

  stage_row(3, "a c", {"a", "cc"});
  EXPECT_THAT(buy_all(), ElementsAre("sent cc"));
  EXPECT_EQ(swap(), Outcome::done);
  EXPECT_THAT(store().stored(3), ElementsAre("a=6", "cc=7"));
  EXPECT_EQ(left_over(), kNothing);
}

TEST_P(StoreContract, ABoughtChunkThatIsNotInTheStoreYetIsKnown) {
  stage_row(1, "a b", {"a", "b"});
  buy_all();
  world().update_text(1, "a c");
  EXPECT_EQ(stage(claim_one(), {"a", "c"}), Outcome::done);
  EXPECT_THAT(buy_all(), ElementsAre("sent c"));
  EXPECT_EQ(store().waiting(), 2U) << "nobody needs b any more";
  EXPECT_EQ(swap(), Outcome::done);
  EXPECT_THAT(store().stored(1), ElementsAre("a=6", "c=6"));
  EXPECT_EQ(left_over(), kNothing);
}

TEST_P(StoreContract, AChunkThatVanishedIsAskedForAgain) {
  store_row(1, "a", {"a"});
  stage_row(2, "a b", {"a", "b"});
  EXPECT_THAT(claim_chunks(), ElementsAre("sent b"));
  world().delete_row(1);
  EXPECT_THAT(buy_chunks(), ElementsAre(Outcome::done));
  EXPECT_THAT(*claim().jobs, IsEmpty()) << "a has no vector any more";
  world().advance(kLooksAgain);
  const Job job = claim_one();
  EXPECT_EQ(job.task, Task::cut);
  EXPECT_EQ(stage(job, {"a", "b"}), Outcome::done);
  EXPECT_THAT(buy_all(), ElementsAre("sent a"));
  EXPECT_EQ(swap(), Outcome::done);
  EXPECT_THAT(store().stored(2), ElementsAre("a=6", "b=6"));
}

TEST_P(StoreContract, ARowWhoseChunkVanishesBeforeItIsSwappedIsCutAgain) {
  store_row(1, "a", {"a"});
  stage_row(2, "a", {"a"});
  const Job job = claim_one();
  EXPECT_EQ(job.task, Task::store_kept);
  world().delete_row(1);
  EXPECT_EQ(settle_one(act(Action::complete, {job})), Outcome::kept);
  EXPECT_THAT(store().stored(2), IsEmpty());
  EXPECT_EQ(claim_one().task, Task::cut);
}

// ── Swap

TEST_P(StoreContract, TheLastVectorMakesTheRowDue) {
  stage_row(1, "a b", {"a", "b"});
  std::vector<Job> chunks = *claim_of(store().chunks_vectorizer(), 1).jobs;
  ASSERT_THAT(chunks, SizeIs(1));
  EXPECT_EQ(settle_one(complete(chunks)), Outcome::done);
  EXPECT_THAT(*claim().jobs, IsEmpty());
  buy_all();
  EXPECT_EQ(swap(), Outcome::done);
  EXPECT_THAT(store().stored(1), SizeIs(2));
  EXPECT_EQ(left_over(), kNothing);
}

TEST_P(StoreContract, ARowThatWaitsIsLookedAtAgain) {
  stage_row(1, "a", {"a"});
  world().advance(kLooksAgain);
  const Job job = claim_one();
  EXPECT_EQ(job.task, Task::wait);
  EXPECT_EQ(settle_one(act(Action::reschedule, {job}, seconds(15))), Outcome::done);
  EXPECT_THAT(*claim().jobs, IsEmpty());
  buy_all();
  EXPECT_EQ(swap(), Outcome::done);
}

TEST_P(StoreContract, AShorterTextHasFewerChunks) {
  store_row(1, "a b c", {"a", "b", "c"});
  world().update_text(1, "c");
  EXPECT_THAT(store().stored(1), ElementsAre("a=6", "b=6", "c=6")) << "all old ones until all new ones";
  EXPECT_EQ(stage(claim_one(), {"c"}), Outcome::done);
  EXPECT_EQ(swap(), Outcome::done);
  EXPECT_THAT(store().stored(1), ElementsAre("c=6"));
  EXPECT_EQ(left_over(), kNothing);
  EXPECT_EQ(walk_all(), 0U);
}

TEST_P(StoreContract, ATextThatChangedIsNotSwapped) {
  store_row(1, "a", {"a"});
  world().update_text(1, "b");
  EXPECT_EQ(stage(claim_one(), {"b"}), Outcome::done);
  buy_all();
  const Job job = claim_one();
  world().update_text(1, "c", Capture::unseen);
  EXPECT_EQ(settle_one(act(Action::complete, {job})), Outcome::stale);
  EXPECT_THAT(store().stored(1), ElementsAre("a=6"));
  EXPECT_EQ(settle_one(act(Action::reschedule, {job})), Outcome::done);
  const Job next = claim_one();
  EXPECT_EQ(next.task, Task::cut);
  EXPECT_EQ(next.text, "c");
  world().update_text(1, "d");
  EXPECT_EQ(stage(next, {"c"}), Outcome::gone);
}

TEST_P(StoreContract, ALockedRowIsSwappedLater) {
  stage_row(1, "a", {"a"});
  buy_all();
  const Job job = claim_one();
  world().hold_row(1);
  EXPECT_EQ(settle_one(act(Action::complete, {job})), Outcome::kept);
  EXPECT_THAT(store().stored(1), IsEmpty());
  world().release();
  world().advance(seconds(1));
  EXPECT_EQ(swap(), Outcome::done);
  EXPECT_THAT(store().stored(1), ElementsAre("a=6"));
}

TEST_P(StoreContract, ARowOfALockedTableIsSwappedLater) {
  stage_row(1, "a", {"a"});
  buy_all();
  const Job job = claim_one();
  EXPECT_EQ(settle_one(act(Action::keep, {job})), Outcome::kept);
  world().advance(seconds(1));
  EXPECT_EQ(swap(), Outcome::done);
  EXPECT_EQ(left_over(), kNothing);
}

TEST_P(StoreContract, ATextThatCameBackToItsChunksIsCurrent) {
  store_row(1, "a", {"a"});
  world().update_text(1, "b");
  EXPECT_EQ(stage(claim_one(), {"b"}), Outcome::done);
  world().update_text(1, "a");
  const Job job = claim_one();
  EXPECT_EQ(job.task, Task::current);
  EXPECT_EQ(settle_one(act(Action::drop, {job})), Outcome::done);
  EXPECT_EQ(left_over(), kNothing);
  EXPECT_THAT(store().stored(1), ElementsAre("a=6"));
}

// ── Rows that are emptied, deleted, moved

TEST_P(StoreContract, AnEmptiedRowLosesItsChunks) {
  store_row(1, "a", {"a"});
  world().update_text(1, "b c");
  EXPECT_EQ(stage(claim_one(), {"b", "c"}), Outcome::done);
  world().update_text(1, std::nullopt);
  const Job job = claim_one();
  EXPECT_EQ(job.task, Task::clear);
  world().hold_row(1);
  EXPECT_EQ(settle_one(act(Action::clear, {job})), Outcome::kept);
  world().release();
  world().advance(seconds(1));
  EXPECT_EQ(settle_one(act(Action::clear, {claim_one()})), Outcome::done);
  EXPECT_THAT(store().stored(1), IsEmpty());
  EXPECT_EQ(left_over(), kNothing);
}

TEST_P(StoreContract, ARowFilledAgainIsNotEmptied) {
  stage_row(1, "a b", {"a", "b"});
  world().update_text(1, std::nullopt, Capture::unseen);
  world().advance(kLooksAgain);
  const Job job = claim_one();
  EXPECT_EQ(job.task, Task::clear);
  world().update_text(1, "a b", Capture::unseen);
  EXPECT_EQ(settle_one(act(Action::clear, {job})), Outcome::stale);
  EXPECT_EQ(store().staged(), 2U);
  EXPECT_EQ(settle_one(act(Action::reschedule, {job})), Outcome::done);
  const Job again = claim_one();
  EXPECT_EQ(again.task, Task::cut);
  EXPECT_EQ(again.text, "a b");
  EXPECT_EQ(again.cut_from, ChunkCursor{});
}

TEST_P(StoreContract, ADeletedRowLeavesNothingBehindAndTakesNothingFromOthers) {
  store_row(1, "a", {"a"});
  world().update_text(1, "b c");
  EXPECT_EQ(stage(claim_one(), {"b", "c"}), Outcome::done);
  stage_row(2, "c", {"c"});
  world().delete_row(1);
  EXPECT_THAT(store().stored(1), IsEmpty()) << "in the user's transaction";
  EXPECT_EQ(store().staged(), 1U);
  EXPECT_THAT(buy_all(), ElementsAre("sent c"));
  EXPECT_EQ(swap(), Outcome::done);
  world().delete_row(2);
  EXPECT_EQ(left_over(), kNothing);
}

TEST_P(StoreContract, AChunkThatNobodyNeedsAnyMoreIsGoneWhenItsVectorComes) {
  stage_row(1, "a", {"a"});
  claim_chunks();
  world().delete_row(1);
  EXPECT_THAT(buy_chunks(), ElementsAre(Outcome::gone));
  EXPECT_EQ(left_over(), kNothing);
}

TEST_P(StoreContract, ARowThatMovesTakesItsChunksAlong) {
  store_row(1, "a", {"a"});
  store().change_key(1, 2);
  EXPECT_THAT(store().stored(1), IsEmpty());
  EXPECT_THAT(store().stored(2), ElementsAre("a=6"));
  const Claim claimed = claim();
  for (const Job& job : *claimed.jobs) {
    EXPECT_EQ(job.key, world().key_of(2));
    EXPECT_EQ(job.task, Task::current);
  }
  EXPECT_THAT(settle(act(Action::drop, *claimed.jobs)), Each(Outcome::done));
  EXPECT_EQ(left_over(), kNothing);
}

TEST_P(StoreContract, ARowThatMovesWhileItsChunksWaitBuysNoneTwice) {
  stage_row(1, "a b", {"a", "b"});
  claim_chunks();
  store().change_key(1, 2);
  EXPECT_THAT(buy_chunks(), ElementsAre(Outcome::done, Outcome::done));
  const Claim claimed = claim();
  ASSERT_THAT(*claimed.jobs, SizeIs(2));
  for (const Job& job : *claimed.jobs) {
    const bool former = job.key == world().key_of(1);
    EXPECT_EQ(job.task, former ? Task::clear : Task::cut);
    EXPECT_EQ(former ? settle_one(act(Action::clear, {job})) : stage(job, {"a", "b"}), Outcome::done);
  }
  EXPECT_THAT(claim_chunks(), IsEmpty());
  EXPECT_EQ(swap(), Outcome::done);
  EXPECT_THAT(store().stored(2), ElementsAre("a=6", "b=6"));
  EXPECT_EQ(left_over(), kNothing);
}

TEST_P(StoreContract, ARowWithTheKeyOfAnotherIsCutFromItsBegin) {
  const std::string text = std::string(store().window(), 'x') + "rest";
  world().put_row(1, text);
  EXPECT_EQ(stage(claim_one(), {"x"}, 10), Outcome::done);
  store().change_key(1, 2);
  world().put_row(1, text);
  const Claim claimed = claim();
  ASSERT_THAT(*claimed.jobs, SizeIs(2));
  for (const Job& job : *claimed.jobs) EXPECT_EQ(job.cut_from, ChunkCursor{});
}

// ── Chunks that are refused

TEST_P(StoreContract, ADeadChunkMakesItsRowADeadLetter) {
  store_row(1, "a", {"a"});
  world().update_text(1, "a poison b");
  EXPECT_EQ(stage(claim_one(), {"a", "poison", "b"}), Outcome::done);
  const Claim chunks = claim_of(store().chunks_vectorizer());
  ASSERT_THAT(*chunks.jobs, SizeIs(2));
  for (const Job& job : *chunks.jobs)
    EXPECT_EQ(settle_one(job.text == "sent poison" ? act(Action::discard, {job}) : complete({job})),
              Outcome::done);
  world().advance(kLooksAgain);
  const Job job = claim_one();
  EXPECT_EQ(job.task, Task::refused);
  ASSERT_NE(job.refusal, nullptr);
  EXPECT_EQ(job.refusal->kind, ErrorKind::rejected);
  EXPECT_EQ(job.refusal->message, "chunk 2: no");

  world().hold_row(1);
  EXPECT_EQ(settle_one(act(Action::discard, {job})), Outcome::busy);
  world().release();
  EXPECT_EQ(settle_one(act(Action::discard, {job})), Outcome::done);
  EXPECT_THAT(store().stored(1), IsEmpty()) << "a dead letter is not found by what it said before";
  EXPECT_EQ(world().dead_letters(), 1U) << "the chunk's went with the chunk";
  EXPECT_EQ(left_over(), kNothing);
  EXPECT_EQ(walk_all(), 0U);
  world().update_text(1, "b");
  EXPECT_EQ(world().dead_letters(), 0U);
  EXPECT_EQ(claim_one().text, "b");
}

TEST_P(StoreContract, ATextThatChangedIsNotBuriedForItsPredecessor) {
  world().put_row(1, "before");
  const Job job = claim_one();
  world().update_text(1, "after", Capture::unseen);
  EXPECT_EQ(settle_one(act(Action::discard, {job})), Outcome::stale);
  EXPECT_EQ(world().dead_letters(), 0U);
}

TEST_P(StoreContract, ARowThatTheTableRefusesKeepsWhatWasBoughtForIt) {
  store_row(1, "a", {"a"});
  world().update_text(1, "a b");
  EXPECT_EQ(stage(claim_one(), {"a", "b"}), Outcome::done);
  buy_all();
  Settlement discard = act(Action::discard, {claim_one()});
  discard.clear_vector = false;
  EXPECT_EQ(settle_one(discard), Outcome::done);
  EXPECT_THAT(store().stored(1), ElementsAre("a=6"));
  EXPECT_EQ(store().staged(), 2U);
  EXPECT_EQ(walk_all(), 0U);
  EXPECT_EQ(store().staged(), 2U) << "the dead letter keeps them";
  world().update_text(1, "b");
  EXPECT_EQ(stage(claim_one(), {"b"}), Outcome::done);
  EXPECT_THAT(claim_chunks(), IsEmpty());
  EXPECT_EQ(swap(), Outcome::done);
  EXPECT_EQ(left_over(), kNothing);
}

// ── What somebody else writes to the store

TEST_P(StoreContract, AChunkThatSomebodyElseWritesIsPutRight) {
  store_row(1, "a bb", {"a", "bb"});
  store().put_vector_of_chunk(1, 0, {7, 8, 9});
  Job job = claim_one();
  EXPECT_EQ(job.task, Task::cut);
  EXPECT_EQ(stage(job, {"a", "bb"}), Outcome::done);
  EXPECT_THAT(buy_all(), ElementsAre("sent a")) << "its vector is gone; the other one is known";
  EXPECT_EQ(swap(), Outcome::done);
  EXPECT_THAT(store().stored(1), ElementsAre("a=6", "bb=7"));

  store().delete_chunk(1, 1);
  job = claim_one();
  EXPECT_EQ(job.task, Task::cut);
  EXPECT_EQ(stage(job, {"a", "bb"}), Outcome::done);
  EXPECT_THAT(buy_all(), ElementsAre("sent bb"));
  EXPECT_EQ(swap(), Outcome::done);
  EXPECT_THAT(store().stored(1), ElementsAre("a=6", "bb=7"));
}

TEST_P(StoreContract, AChunkWrittenToADeadRowMakesTheRowAJobAgain) {
  store_row(1, "a", {"a"});
  world().update_text(1, "b");
  Settlement discard = act(Action::discard, {claim_one()});
  discard.clear_vector = false;
  EXPECT_EQ(settle_one(discard), Outcome::done);
  EXPECT_EQ(world().dead_letters(), 1U);
  store().put_vector_of_chunk(1, 0, {7, 8, 9});
  EXPECT_EQ(world().dead_letters(), 0U);
  EXPECT_EQ(claim_one().text, "b");
}

TEST_P(StoreContract, AChunkThatSomebodyWritesWhileItsRowWaitsIsNoSecondText) {
  store_row(1, "a", {"a"});
  world().update_text(1, "b c");
  EXPECT_EQ(stage(claim_one(), {"b", "c"}), Outcome::done);
  store().put_vector_of_chunk(1, 0, {7, 8, 9});
  const Job job = claim_one();
  EXPECT_EQ(job.task, Task::cut);
  EXPECT_EQ(job.cut_from, ChunkCursor{});
  EXPECT_EQ(job.text, "b c");
}

TEST_P(StoreContract, AWalkFindsWhatSomebodyWroteBehindTheTriggers) {
  for (int row = 1; row <= 3; ++row)
    store_row(row, "text", {std::string(static_cast<std::size_t>(row), 'x')});
  EXPECT_EQ(walk_all(), 0U);
  store().put_vector_of_chunk(1, 0, {7, 8, 9}, Capture::unseen);
  store().delete_chunk(2, 0, Capture::unseen);
  EXPECT_EQ(walk_all(), 2U);
  const Claim claimed = claim();
  for (const Job& job : *claimed.jobs) EXPECT_EQ(job.task, Task::cut);
}

TEST_P(StoreContract, AWalkFindsWhatIsLeftOfARowThatWasEmptiedBehindTheTriggers) {
  store_row(1, "a b", {"a", "b"});
  store().delete_chunk(1, 0, Capture::unseen);
  world().update_text(1, std::nullopt, Capture::unseen);
  EXPECT_EQ(walk_all(), 1U);
  const Job job = claim_one();
  EXPECT_EQ(job.task, Task::clear);
  EXPECT_EQ(settle_one(act(Action::clear, {job})), Outcome::done);
  EXPECT_THAT(store().stored(1), IsEmpty());
  EXPECT_EQ(walk_all(), 0U);
}

// ── Poll

TEST_P(StoreContract, APollTellsOfTheVectorizerOfTheChunks) {
  stage_row(1, "a", {"a"});
  const Poll states = poll();
  ASSERT_TRUE(states.has_value());
  ASSERT_THAT(*states, SizeIs(2));
  const auto chunks = std::ranges::find(*states, store().chunks_vectorizer(),
                                        [](const VectorizerState& state) { return state.vectorizer.id; });
  const auto rows = std::ranges::find(*states, world().vectorizer(),
                                      [](const VectorizerState& state) { return state.vectorizer.id; });
  ASSERT_TRUE(chunks != states->end() && rows != states->end());
  EXPECT_TRUE(rows->vectorizer.cuts());
  EXPECT_EQ(rows->vectorizer.rows, 0);
  EXPECT_FALSE(rows->due);
  EXPECT_TRUE(rows->waiting);
  EXPECT_FALSE(chunks->vectorizer.cuts());
  EXPECT_EQ(chunks->vectorizer.rows, world().vectorizer());
  EXPECT_TRUE(chunks->due);
  EXPECT_EQ(chunks->jobs_estimate, 1);
}

}  // namespace embedd::test
