// Where jobs go that are in no request: into the buffer, back to the queue, or to the dead letters.
#include "core/job_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_parts.h"

namespace embedd {
namespace {

using test::WorkerParts;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::StartsWith;

class Keeping : public WorkerParts {
 protected:
  Settlements::News::Stale stale(const std::vector<Key>& keys, std::uint32_t wasted = 1) {
    Settlements::News::Stale out{.vectorizer = notes.vectorizer};
    for (const Key& key : keys) {
      out.jobs.push_back(embedd::settled(job(key)));
      out.jobs.back().wasted = wasted;
    }
    return out;
  }
};

TEST_F(Keeping, JobsWaitInTheBuffer) {
  keeper.buffer(notes, jobs({"a", "b"}), now);
  EXPECT_THAT(buffered(notes), ElementsAre("a", "b"));
  EXPECT_THAT(settled(), IsEmpty());
}

TEST_F(Keeping, ARowThatWasBoughtTooOftenGoesBackForAWhile) {
  wear_out(job("b"));
  const auto wait = std::chrono::ceil<seconds>(state.brake.wait(job("b").job, now).length);
  keeper.buffer(notes, jobs({"a", "b", "c"}), now);
  EXPECT_THAT(buffered(notes), ElementsAre("a", "c"));
  EXPECT_THAT(settled(), ElementsAre(fmt::format("reschedule b after {} s", wait.count())));
  EXPECT_THAT(told(), ElementsAre("braked 1"));
  EXPECT_TRUE(notes.vain.braked(now + wait - milliseconds(1)));
  EXPECT_FALSE(notes.vain.braked(now + wait));
}

TEST_F(Keeping, RowsThatWaitForDifferentTimesGoBackForDifferentTimes) {
  wear_out(job("b"));
  const LeasedJob often = job("c");
  for (int i = 0; i < 8; ++i) state.brake.bought(often.job, now);
  keeper.buffer(notes, jobs({"b", "c"}), now);
  EXPECT_THAT(settled(), ElementsAre("reschedule b after 1 s", "reschedule c after 450 s"));
  EXPECT_THAT(told(), ElementsAre("braked 2"));
  EXPECT_TRUE(notes.vain.braked(now + seconds(449))) << "until the last of them may be bought";
}

TEST_F(Keeping, ARowThatIsEditedWithoutEndIsSaidToBe) {
  for (int text = 0; text < 61; ++text) state.brake.bought(job("a", std::to_string(text)).job, now);
  keeper.buffer(notes, jobs({"a"}), now);
  EXPECT_THAT(notes.vain.braked_because(), testing::HasSubstr(explain(WasteReason::edited)));
}

// Invariant: a job is in the buffer or in one settlement, and in one of them only.
TEST_F(Keeping, NoJobIsLostOrInTwoPlaces) {
  for (const char* key : {"b", "d"}) wear_out(job(key));
  keeper.buffer(notes, jobs({"a", "b", "c", "d", "e"}), now);
  EXPECT_EQ(state.leases(), 5U);
  keeper.give_back(notes, now);
  EXPECT_EQ(state.leases(), 5U);
  EXPECT_THAT(buffered(notes), IsEmpty());
  std::multiset<Key> keys;
  for (const auto& settlement : queue.settlements)
    for (const SettledJob& job : settlement->jobs) keys.insert(job.key);
  EXPECT_THAT(keys, ElementsAre("a", "b", "c", "d", "e"));
}

TEST_F(Keeping, WhatIsGivenBackIsDueAtOnce) {
  keeper.buffer(notes, jobs({"a", "b"}), now);
  keeper.give_back(notes, now);
  EXPECT_THAT(settled(), ElementsAre("reschedule a b"));
  keeper.give_back(notes, now);
  EXPECT_THAT(settled(), IsEmpty()) << "there was nothing left";
}

TEST_F(Keeping, WhatTheDeadMayHaveBoughtIsRememberedBeforeItIsBoughtAgain) {
  keeper.give_back_rescued(notes, jobs({"a", "b"}), now);
  EXPECT_THAT(buffered(notes), IsEmpty());
  EXPECT_THAT(settled(), ElementsAre("reschedule a (1 in vain) b (1 in vain)"));
  EXPECT_EQ(notes.vain.reason(), explain(WasteReason::lapsed));
}

TEST_F(Keeping, AnAttemptIsChargedForItsReason) {
  const Error error{.kind = ErrorKind::rejected, .message = "no", .verbatim = "no, said of row 7"};
  keeper.reschedule(notes.vectorizer, jobs({"a"}), seconds(4), now, &error);
  ASSERT_EQ(queue.settlements.size(), 1U);
  EXPECT_EQ(queue.settlements.front()->delay, seconds(4));
  EXPECT_THAT(settled(), ElementsAre("charge a for rejected: no, said of row 7"));
}

TEST_F(Keeping, DeadLettersHaveAllThatTheErrorSaysAndTheLogDoesNot) {
  const Error error{.kind = ErrorKind::rejected, .message = "no", .verbatim = "no, said of row 7"};
  keeper.discard(notes.vectorizer, jobs({"a", "b"}), error, now);
  EXPECT_THAT(settled(), ElementsAre("discard a b for rejected: no, said of row 7"));
  EXPECT_THAT(told(), ElementsAre("discarded for rejected: no", "discarded for rejected: no"));
  EXPECT_EQ(state.summary.rows_discarded, 2U);
}

TEST_F(Keeping, WhatNeedsNoProviderIsSettledAtOnce) {
  keeper.settle_at_once(notes.vectorizer, Action::clear, {{.key = "a"}}, now);
  keeper.settle_at_once(notes.vectorizer, Action::drop, {{.key = "b"}, {.key = "c"}}, now);
  EXPECT_THAT(settled(), ElementsAre("clear a", "drop b c"));
}

TEST_F(Keeping, ARefusalThatCostNothingDoesNotCountAsAPurchase) {
  const LeasedJob leased = job("a");
  for (int i = 0; i < 20; ++i) {
    Batch batch{.vectorizer = notes.vectorizer, .jobs = jobs({"a"})};
    state.brake.bought(leased.job, now);
    keeper.count_cost(&notes, batch, {ErrorKind::unavailable, "503"});
    EXPECT_EQ(batch.jobs.front().wasted, 0U);
  }
  EXPECT_LE(state.brake.wait(leased.job, now).length, Duration{});
}

TEST_F(Keeping, AFailureThatMayHaveCostSomethingCountsHereAndForOthers) {
  wear_out(job("a"));
  Batch batch{.vectorizer = notes.vectorizer, .jobs = jobs({"a"})};
  keeper.count_cost(&notes, batch, {.kind = ErrorKind::unavailable, .message = "silence", .billed = true});
  EXPECT_EQ(batch.jobs.front().wasted, 1U);
  EXPECT_TRUE(state.brake.travels_alone(batch.jobs.front().job));
  EXPECT_EQ(notes.vain.reason(), explain(WasteReason::failed));
  keeper.reschedule(notes.vectorizer, batch.jobs, Duration{}, now);
  EXPECT_THAT(settled(), ElementsAre("reschedule a (1 in vain)"));
}

TEST_F(Keeping, ARowWhoseTextIsAnotherByNowGoesBackUntilItMayBeBought) {
  wear_out(job("b"));
  keeper.give_back_stale(stale({"a", "b"}), false, now);
  EXPECT_THAT(settled(), ElementsAre("reschedule a (1 in vain)", "reschedule b (1 in vain) after 1 s"));
  EXPECT_THAT(told(), ElementsAre("braked 1"));
  EXPECT_EQ(notes.vain.reason(), explain(WasteReason::stale));
}

TEST_F(Keeping, AVectorizerRestsOnceAnswerAfterAnswerIsThrownAway) {
  keeper.buffer(notes, jobs({"x"}), now);
  for (int i = 0; i < 63; ++i) keeper.give_back_stale(stale({"a"}), false, now);
  EXPECT_FALSE(notes.resting(now));
  keeper.give_back_stale(stale({"a"}), true, now);
  for (int i = 0; i < 63; ++i) keeper.give_back_stale(stale({"a"}), false, now);
  EXPECT_FALSE(notes.resting(now)) << "others were stored meanwhile";
  settled();
  keeper.give_back_stale(stale({"a"}), false, now);
  EXPECT_TRUE(notes.resting(now));
  EXPECT_TRUE(notes.rest.rows_refused());
  EXPECT_THAT(told(), ElementsAre(StartsWith("notes rests: answer after answer is thrown away")));
  EXPECT_THAT(settled(), ElementsAre("reschedule a (1 in vain)", "reschedule x"));
}

TEST_F(Keeping, WhatWasNotBoughtIsNotThrownAway) {
  for (int i = 0; i < 100; ++i) keeper.give_back_stale(stale({"a"}, 0), false, now);
  EXPECT_FALSE(notes.resting(now));
}

TEST_F(Keeping, JobsOfAVectorizerThatIsGoneGoBackAllTheSame) {
  Settlements::News::Stale gone{.vectorizer = {.id = 7}, .jobs = {{.key = "a", .wasted = 1}}};
  keeper.give_back_stale(gone, false, now);
  EXPECT_THAT(settled(), ElementsAre("reschedule a (1 in vain)"));
}

TEST_F(Keeping, AVectorizerThatRestsGivesItsJobsBackAndAsksNoCanary) {
  keeper.buffer(notes, jobs({"a", "b"}), now);
  notes.trust.doubt();
  keeper.rest(notes, "no such model", now);
  EXPECT_TRUE(notes.resting(now));
  EXPECT_FALSE(notes.trust.doubted());
  EXPECT_THAT(settled(), ElementsAre("reschedule a b"));
  EXPECT_THAT(told(), ElementsAre("notes rests: no such model"));
}

TEST_F(Keeping, RefusalsOfWhatWasInFlightTogetherAreOneRest) {
  keeper.rest(notes, "no such model", now);
  const Instant until = notes.rest.until();
  for (int i = 0; i < 9; ++i) keeper.rest(notes, "no such model", now);
  EXPECT_EQ(notes.rest.until(), until);
  EXPECT_THAT(told(), ElementsAre("notes rests: no such model"));
}

TEST_F(Keeping, ItRestsForWhatTheDatabaseWouldRefuseAgainOnly) {
  for (const ErrorKind kind :
       {ErrorKind::unavailable, ErrorKind::in_doubt, ErrorKind::conflict, ErrorKind::canceled}) {
    keeper.rest_if_refused(notes, {kind, "later"}, now);
    EXPECT_FALSE(notes.resting(now)) << name_of(kind);
  }
  for (const ErrorKind kind : {ErrorKind::misconfigured, ErrorKind::rejected}) {
    keeper.rest_if_refused(notes, {kind, "never"}, now);
    EXPECT_TRUE(notes.resting(now)) << name_of(kind);
    now = notes.rest.until();
  }
}

}  // namespace
}  // namespace embedd
