#include "contract/queue_contract.h"

#include <gmock/gmock.h>
#include <cmath>

#include <algorithm>
#include <chrono>

#include "base/check.h"
#include "core/spending_brake.h"

namespace embedd::test {

// The parameter is an adapter's business; its absence in a binary is not an error.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(QueueContract);

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::IsEmpty;
using testing::Optional;
using testing::SizeIs;

namespace {

constexpr Duration kLease = seconds(60);

std::vector<std::string> texts_of(const std::vector<Job>& jobs) {
  std::vector<std::string> texts;
  for (const Job& job : jobs) texts.push_back(job.text);
  return texts;
}

}  // namespace

// Turns until take() gives something, for at most 20 s of real time.
template <typename Take>
auto QueueContract::wait_for(Take take) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  for (;;) {
    auto taken = take();
    if (taken) return *std::move(taken);
    CHECK(std::chrono::steady_clock::now() < deadline, "no answer from the queue within 20 s");
    world().turn();
  }
}

Claim QueueContract::claim(std::uint32_t max_rows, std::size_t max_text_bytes) {
  return claim_of(world().vectorizer(), max_rows, max_text_bytes);
}

Claim QueueContract::claim_of(VectorizerId vectorizer, std::uint32_t max_rows, std::size_t max_text_bytes) {
  Claim claimed = try_claim(vectorizer, max_rows, max_text_bytes);
  CHECK(claimed.jobs.has_value(), "the claim failed: {}", claimed.jobs.error().message);
  return claimed;
}

Claim QueueContract::try_claim(VectorizerId vectorizer, std::uint32_t max_rows, std::size_t max_text_bytes) {
  LeaseToken lease{};
  lease.fill(next_lease_++);
  world().queue().send_claim({.vectorizer = vectorizer,
                              .lease = lease,
                              .lease_time = kLease,
                              .max_rows = max_rows,
                              .max_text_bytes = max_text_bytes});
  return wait_for([&]() -> std::optional<Claim> {
    std::vector<Claim> claims = world().queue().take_claims();
    if (claims.empty()) return std::nullopt;
    CHECK(claims.size() == 1, "{} claims for one request", claims.size());
    CHECK(claims[0].request.lease == lease, "a claim with another lease");
    return std::move(claims[0]);
  });
}

Job QueueContract::claim_one() { return claim_one_of(world().vectorizer()); }

Job QueueContract::claim_one_of(VectorizerId vectorizer) {
  Claim claimed = claim_of(vectorizer);
  CHECK(claimed.jobs->size() == 1, "{} jobs claimed where one was due", claimed.jobs->size());
  return std::move(claimed.jobs->front());
}

Receipt QueueContract::try_settle(Settlement settlement) {
  settlement.id = next_id_++;
  const std::size_t jobs = settlement.jobs.size();
  world().queue().send_settlement(std::make_shared<const Settlement>(settlement));
  return wait_for([&]() -> std::optional<Receipt> {
    std::vector<Receipt> receipts = world().queue().take_receipts();
    if (receipts.empty()) return std::nullopt;
    CHECK(receipts.size() == 1 && receipts[0].id == settlement.id, "one receipt, with the settlement's id");
    CHECK(!receipts[0].partly, "all of settlement {} succeeded, or nothing", settlement.id);
    CHECK(!receipts[0].outcomes || receipts[0].outcomes->size() == jobs, "{} outcomes of {} jobs",
          receipts[0].outcomes->size(), jobs);
    return std::move(receipts[0]);
  });
}

std::vector<Outcome> QueueContract::settle(Settlement settlement) {
  Receipt receipt = try_settle(std::move(settlement));
  CHECK(receipt.outcomes.has_value(), "settling failed: {}", receipt.outcomes.error().message);
  return std::move(*receipt.outcomes);
}

Outcome QueueContract::settle_one(Settlement settlement) { return settle(std::move(settlement)).at(0); }

Poll QueueContract::poll() {
  world().queue().send_poll({});
  return wait_for([&] { return world().queue().take_poll(); });
}

std::optional<LearnedLimits> QueueContract::remembered() {
  // PostgreSQL carries statements out in their order. The simulated queue takes up to two milliseconds for
  // each.
  for (int i = 0; i < 3; ++i) world().turn();
  return poll()->at(0).remembered;
}

Duration QueueContract::reserve(const Reservation& reservation) {
  world().queue().send_reservation(reservation);
  return wait_for([&]() -> std::optional<Duration> {
    const std::vector<Reserved> reserved = world().queue().take_reserved();
    if (reserved.empty()) return std::nullopt;
    EXPECT_EQ(reserved[0].reservation.endpoint, reservation.endpoint);
    EXPECT_EQ(reserved[0].reservation.model, reservation.model);
    CHECK(reserved[0].wait.has_value(), "no reserved: {}", reserved[0].wait.error().message);
    return *reserved[0].wait;
  });
}

BudgetAnswer::Part QueueContract::reserve_of(const BudgetRequest& request) {
  world().queue().send_budget_request(request);
  return wait_for([&]() -> std::optional<BudgetAnswer::Part> {
    const std::vector<BudgetAnswer> answers = world().queue().take_budget_answers();
    if (answers.empty()) return std::nullopt;
    EXPECT_EQ(answers[0].request.budget_of, request.budget_of);
    CHECK(answers[0].part.has_value(), "not reserved: {}", answers[0].part.error().message);
    return *answers[0].part;
  });
}

WalkPage QueueContract::try_walk(VectorizerId vectorizer, const Key& cursor) {
  world().queue().send_walk(vectorizer, cursor);
  return wait_for([&]() -> std::optional<WalkPage> {
    std::vector<WalkPage> pages = world().queue().take_walked();
    if (pages.empty()) return std::nullopt;
    return std::move(pages[0]);
  });
}

WalkPage::Progress QueueContract::walk(const Key& cursor) {
  const WalkPage page = try_walk(world().vectorizer(), cursor);
  CHECK(page.progress.has_value(), "walk failed: {}", page.progress.error().message);
  return *page.progress;
}

std::uint64_t QueueContract::walk_all() { return walk_all_of(world().vectorizer()); }

std::uint64_t QueueContract::walk_all_of(VectorizerId vectorizer) {
  std::uint64_t enqueued = 0;
  Key cursor;
  for (int page = 0; page < 100; ++page) {
    const WalkPage walked = try_walk(vectorizer, cursor);
    CHECK(walked.progress.has_value(), "walk failed: {}", walked.progress.error().message);
    enqueued += walked.progress->enqueued;
    if (walked.progress->finished) return enqueued;
    cursor = walked.progress->next;
  }
  CHECK(false, "the walk does not end");
  return enqueued;
}

Settlement QueueContract::complete(const std::vector<Job>& jobs) {
  Settlement settlement = act(Action::complete, jobs);
  settlement.vectors.dimensions = 3;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    settlement.jobs[i].slot = static_cast<std::int32_t>(i);
    for (const float value : {static_cast<float>(i), 0.5F, 1.0F}) settlement.vectors.values.push_back(value);
  }
  return settlement;
}

Settlement QueueContract::complete_kept(const Job& job) {
  Settlement settlement = act(Action::complete, {job});
  settlement.vectors.dimensions = 3;
  return settlement;
}

Settlement QueueContract::act(Action action, const std::vector<Job>& jobs, Duration delay) {
  Settlement settlement{.vectorizer = jobs.front().vectorizer,
                        .action = action,
                        .model_id = "model",
                        .model_version = "model-1",
                        .requests = 1,
                        .tokens = 5,
                        .delay = delay,
                        .reason = ErrorKind::rejected,
                        .message = "no"};
  for (const Job& job : jobs)
    settlement.jobs.push_back({.key = job.key, .lease = job.lease, .text_hash = job.text_hash, .slot = -1});
  return settlement;
}

void QueueContract::embed_row(int row, const std::string& text) {
  world().put_row(row, text);
  ASSERT_EQ(settle_one(complete({claim_one()})), Outcome::done);
}

// ── Claim

TEST_P(QueueContract, NothingDueIsAnEmptyClaim) {
  const Claim empty = claim();
  EXPECT_THAT(*empty.jobs, IsEmpty());
  EXPECT_FALSE(empty.more);
}

TEST_P(QueueContract, ClaimHandsOutTextsOldestFirst) {
  world().put_row(1, "one");
  world().advance(seconds(2));
  world().put_row(2, "two");
  const Claim claimed = claim();
  EXPECT_THAT(texts_of(*claimed.jobs), ElementsAre("one", "two"));
  EXPECT_FALSE(claimed.more);
  EXPECT_EQ(claimed.rescued, 0U);
  EXPECT_EQ(claimed.jobs->at(0).key, world().key_of(1));
  EXPECT_EQ(claimed.jobs->at(0).task, Task::embed);
  EXPECT_EQ(claimed.jobs->at(0).attempt, 0);
  EXPECT_EQ(claimed.jobs->at(0).lease, claimed.request.lease);
}

TEST_P(QueueContract, ALiveJobKnowsSinceWhenItsTextWaits) {
  world().put_row(1, "backfilled", Capture::unseen);
  EXPECT_EQ(walk_all(), 1U);
  EXPECT_EQ(claim_one().age, std::nullopt);
  world().put_row(2, "live");
  const Job job = claim_one();
  ASSERT_TRUE(job.age.has_value());
  EXPECT_GE(*job.age, Duration{});
  EXPECT_EQ(settle_one(act(Action::reschedule, {job})), Outcome::done);
  EXPECT_GE(claim_one().age, job.age) << "a job given back has waited all along";
}

TEST_P(QueueContract, ALeasedJobIsNotHandedOutAgain) {
  world().put_row(1, "one");
  EXPECT_THAT(*claim().jobs, SizeIs(1));
  world().advance(kLease / 2);
  EXPECT_THAT(*claim().jobs, IsEmpty());
}

TEST_P(QueueContract, ALapsedLeaseIsRescuedAndItsHolderComesTooLate) {
  world().put_row(1, "one");
  const Job lost = claim_one();
  world().advance(kLease + seconds(1));
  const Claim rescue = claim();
  ASSERT_THAT(*rescue.jobs, SizeIs(1));
  EXPECT_EQ(rescue.rescued, 1U);
  EXPECT_EQ(settle_one(complete({lost})), Outcome::gone);
  EXPECT_EQ(world().vector_of(1), std::nullopt);
  EXPECT_EQ(settle_one(complete(*rescue.jobs)), Outcome::done);
}

TEST_P(QueueContract, ClaimKeepsToItsRows) {
  for (int row = 0; row < 5; ++row) world().put_row(row, "text");
  const Claim first = claim(3);
  EXPECT_THAT(*first.jobs, SizeIs(3));
  EXPECT_TRUE(first.more);
  EXPECT_THAT(*claim(3).jobs, SizeIs(2));
}

TEST_P(QueueContract, ClaimKeepsToItsBytesButAlwaysHandsOutARow) {
  for (int row = 0; row < 3; ++row) {
    world().put_row(row, std::string(1000, 'x'));
    world().advance(seconds(1));
  }
  const Claim two = claim(100, 2500);
  EXPECT_THAT(*two.jobs, SizeIs(2));
  EXPECT_TRUE(two.more);
  EXPECT_THAT(*claim(100, 10).jobs, SizeIs(1));
}

// ── Complete

TEST_P(QueueContract, CompleteStoresTheVectorAndDeletesTheJob) {
  world().put_row(7, "seven");
  EXPECT_EQ(settle_one(complete({claim_one()})), Outcome::done);
  EXPECT_THAT(world().vector_of(7), Optional(ElementsAre(0.0F, 0.5F, 1.0F)));
  EXPECT_EQ(world().jobs(), 0U);
}

TEST_P(QueueContract, EqualTextsShareOneVector) {
  world().put_row(1, "same");
  world().put_row(2, "same");
  const Claim claimed = claim();
  EXPECT_EQ(claimed.jobs->at(0).text_hash, claimed.jobs->at(1).text_hash);
  Settlement shared = complete(*claimed.jobs);
  shared.vectors.values.resize(3);
  shared.jobs[1].slot = 0;
  EXPECT_THAT(settle(shared), ElementsAre(Outcome::done, Outcome::done));
  EXPECT_EQ(world().vector_of(1), world().vector_of(2));
}

TEST_P(QueueContract, SettlingTwiceFindsTheLeaseGone) {
  world().put_row(1, "one");
  const Settlement settlement = complete({claim_one()});
  EXPECT_EQ(settle_one(settlement), Outcome::done);
  EXPECT_EQ(settle_one(settlement), Outcome::gone);
  EXPECT_THAT(world().vector_of(1), Optional(SizeIs(3)));
}

TEST_P(QueueContract, AChangedTextNeverGetsTheOldVector) {
  world().put_row(1, "before");
  const Job old = claim_one();
  world().update_text(1, "after");
  EXPECT_EQ(settle_one(complete({old})), Outcome::gone);
  EXPECT_EQ(world().vector_of(1), std::nullopt);
  EXPECT_EQ(claim_one().text, "after");
}

TEST_P(QueueContract, ATextChangedBehindTheTriggersIsStaleAndDueAgain) {
  world().put_row(1, "before");
  const Job old = claim_one();
  world().update_text(1, "after", Capture::unseen);
  EXPECT_EQ(settle_one(complete({old})), Outcome::stale);
  EXPECT_EQ(world().vector_of(1), std::nullopt);
  EXPECT_THAT(*claim().jobs, IsEmpty()) << "it is still its holder's";
  EXPECT_EQ(settle_one(act(Action::reschedule, {old})), Outcome::done);
  EXPECT_EQ(claim_one().text, "after");
}

TEST_P(QueueContract, WhatWasBoughtInVainIsToldToWhoeverClaimsNext) {
  for (int row = 0; row < 3; ++row) world().put_row(row, "text");
  Claim claimed = claim();
  for (const Job& job : *claimed.jobs) EXPECT_EQ(job.wasted.level, 0);
  const Key bad = world().key_of(1);
  double expected = 0;
  for (std::uint32_t purchases = 1; purchases <= 3; ++purchases) {
    Settlement given_back = act(Action::reschedule, *claimed.jobs);
    for (SettledJob& job : given_back.jobs) job.wasted = job.key == bad ? purchases : 0;
    settle(given_back);
    expected += purchases;
    claimed = claim();
    ASSERT_THAT(*claimed.jobs, SizeIs(3));
    for (const Job& job : *claimed.jobs) {
      EXPECT_NEAR(job.wasted.level, job.key == bad ? expected : 0, 0.1);
      EXPECT_LT(job.wasted.ago, seconds(30));
      EXPECT_FALSE(job.rescued);
    }
  }
  // Of six, three are forgotten of by the time the next two come.
  world().advance(std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(3 / SpendingBrake::kForgottenASecond)));
  claimed = claim();
  Settlement given_back = act(Action::reschedule, *claimed.jobs);
  for (SettledJob& job : given_back.jobs) job.wasted = job.key == bad ? 2 : 0;
  for (const Job& job : *claimed.jobs) EXPECT_TRUE(job.rescued) << "their lease has lapsed";
  settle(given_back);
  claimed = claim();
  for (const Job& job : *claimed.jobs) EXPECT_NEAR(job.wasted.level, job.key == bad ? 5 : 0, 0.1);
}

TEST_P(QueueContract, WasteIsRememberedOnlyOfJobsThatAreGivenBack) {
  world().put_row(1, "before");
  Settlement late = act(Action::reschedule, {claim_one()});
  late.jobs[0].wasted = 3;
  world().update_text(1, "after");
  EXPECT_EQ(settle_one(late), Outcome::gone);
  EXPECT_EQ(claim_one().wasted.level, 0);
}

TEST_P(QueueContract, ADeletedRowLeavesNothingBehind) {
  world().put_row(1, "one");
  const Job job = claim_one();
  world().delete_row(1);
  EXPECT_EQ(settle_one(complete({job})), Outcome::gone);
  EXPECT_EQ(world().jobs(), 0U);
}

TEST_P(QueueContract, ALockedRowsVectorIsKeptAndStoredLater) {
  world().put_row(1, "one");
  world().put_row(2, "two");
  const Claim claimed = claim();
  world().hold_row(1);
  Settlement both = complete(*claimed.jobs);
  EXPECT_THAT(settle(both), ElementsAre(Outcome::kept, Outcome::done));
  EXPECT_EQ(world().vector_of(1), std::nullopt);
  world().release();
  world().advance(seconds(1));

  const Job again = claim_one();
  EXPECT_EQ(again.task, Task::store_kept);
  EXPECT_THAT(again.text, IsEmpty());
  EXPECT_EQ(settle_one(complete_kept(again)), Outcome::done);
  EXPECT_THAT(world().vector_of(1), Optional(ElementsAre(0.0F, 0.5F, 1.0F)));
  EXPECT_EQ(world().jobs(), 0U);
}

TEST_P(QueueContract, VectorsForALockedTableAreKeptAndStoredLater) {
  world().put_row(1, "one");
  world().put_row(2, "two");
  world().put_row(3, "three");
  Settlement all = complete(*claim().jobs);
  all.action = Action::keep;
  world().update_text(2, "two, changed");
  EXPECT_THAT(settle(all), ElementsAre(Outcome::kept, Outcome::gone, Outcome::kept));
  world().update_text(3, "three, changed");
  EXPECT_EQ(world().vector_of(1), std::nullopt);
  world().advance(seconds(1));

  const Claim again = claim();
  ASSERT_EQ(again.jobs->size(), 3U);
  for (const Job& job : *again.jobs) {
    const bool kept = job.key == world().key_of(1);
    EXPECT_EQ(job.task, kept ? Task::store_kept : Task::embed) << "a changed text is embedded anew";
    if (!kept) continue;
    Settlement once_more = complete_kept(job);
    once_more.action = Action::keep;
    EXPECT_EQ(settle_one(once_more), Outcome::kept);
  }
  world().advance(seconds(31));
  const Claim later = claim();
  for (const Job& job : *later.jobs) {
    if (job.task != Task::store_kept) continue;
    EXPECT_EQ(settle_one(complete_kept(job)), Outcome::done);
  }
  EXPECT_THAT(world().vector_of(1), Optional(ElementsAre(0.0F, 0.5F, 1.0F)));
}

TEST_P(QueueContract, AKeptVectorSurvivesASecondHold) {
  world().put_row(1, "one");
  const Job job = claim_one();
  world().hold_row(1);
  EXPECT_EQ(settle_one(complete({job})), Outcome::kept);
  world().advance(seconds(31));
  EXPECT_EQ(settle_one(complete_kept(claim_one())), Outcome::kept);
  world().release();
  world().advance(seconds(31));
  EXPECT_EQ(settle_one(complete_kept(claim_one())), Outcome::done);
  EXPECT_THAT(world().vector_of(1), Optional(ElementsAre(0.0F, 0.5F, 1.0F)));
}

TEST_P(QueueContract, AKeptVectorOfAChangedTextIsForgotten) {
  world().put_row(1, "before");
  const Job job = claim_one();
  world().hold_row(1);
  EXPECT_EQ(settle_one(complete({job})), Outcome::kept);
  world().release();
  world().update_text(1, "after");
  const Job again = claim_one();
  EXPECT_EQ(again.task, Task::embed);
  EXPECT_EQ(again.text, "after");
}

TEST_P(QueueContract, AJobBeingWrittenIsBusyAndThenGone) {
  world().put_row(1, "before");
  const Job job = claim_one();
  world().hold_row(1, "after");
  EXPECT_EQ(settle_one(complete({job})), Outcome::busy);
  EXPECT_EQ(world().vector_of(1), std::nullopt);
  world().release();
  EXPECT_EQ(settle_one(complete({job})), Outcome::gone);
  EXPECT_EQ(claim_one().text, "after");
}

// ── Clear, drop

TEST_P(QueueContract, AnEmptiedTextLosesItsVector) {
  for (const std::optional<std::string>& empty :
       {std::optional<std::string>(), std::optional<std::string>("  ")}) {
    embed_row(1, "one");
    world().update_text(1, empty);
    const Job job = claim_one();
    EXPECT_EQ(job.task, Task::clear);
    EXPECT_EQ(settle_one(act(Action::clear, {job})), Outcome::done);
    EXPECT_EQ(world().vector_of(1), std::nullopt);
    EXPECT_EQ(world().jobs(), 0U);
    world().delete_row(1);
  }
}

TEST_P(QueueContract, ARowFilledAgainIsNotCleared) {
  embed_row(1, "one");
  world().update_text(1, std::nullopt);
  const Job job = claim_one();
  world().update_text(1, "two", Capture::unseen);
  EXPECT_EQ(settle_one(act(Action::clear, {job})), Outcome::stale);
  EXPECT_THAT(world().vector_of(1), Optional(SizeIs(3)));
  EXPECT_EQ(settle_one(act(Action::reschedule, {job})), Outcome::done);
  EXPECT_EQ(claim_one().text, "two");
}

TEST_P(QueueContract, ALockedRowIsClearedLater) {
  embed_row(1, "one");
  world().update_text(1, std::nullopt);
  const Job job = claim_one();
  world().hold_row(1);
  EXPECT_EQ(settle_one(act(Action::clear, {job})), Outcome::kept);
  world().release();
  world().advance(seconds(1));
  EXPECT_EQ(settle_one(act(Action::clear, {claim_one()})), Outcome::done);
  EXPECT_EQ(world().vector_of(1), std::nullopt);
}

TEST_P(QueueContract, ATextThatCameBackIsCurrent) {
  embed_row(1, "one");
  world().update_text(1, "two");
  world().update_text(1, "one");
  const Job job = claim_one();
  EXPECT_EQ(job.task, Task::current);
  EXPECT_EQ(settle_one(act(Action::drop, {job})), Outcome::done);
  EXPECT_EQ(world().jobs(), 0U);
  EXPECT_THAT(world().vector_of(1), Optional(SizeIs(3)));
}

// ── A vector that somebody else writes

const std::vector<float> kStored = {0, 0.5F, 1};  // what complete() stores for a first job
const std::vector<float> kForeign = {7, 8, 9};

TEST_P(QueueContract, AReplacedVectorIsPutBackAndNotBoughtAgain) {
  embed_row(1, "one");
  world().put_vector(1, kForeign);
  const Job job = claim_one();
  EXPECT_EQ(job.task, Task::store_kept);
  EXPECT_EQ(settle_one(complete_kept(job)), Outcome::done);
  EXPECT_THAT(world().vector_of(1), Optional(kStored));
  EXPECT_EQ(world().jobs(), 0U);
}

TEST_P(QueueContract, ARemovedVectorIsPutBackAndNotBoughtAgain) {
  embed_row(1, "one");
  world().put_vector(1, std::nullopt);
  const Job job = claim_one();
  EXPECT_EQ(job.task, Task::store_kept);
  EXPECT_EQ(settle_one(complete_kept(job)), Outcome::done);
  EXPECT_THAT(world().vector_of(1), Optional(kStored));
}

TEST_P(QueueContract, TheFirstVectorIsPutBackHoweverOftenItIsReplaced) {
  embed_row(1, "one");
  world().put_vector(1, kForeign);
  world().put_vector(1, std::vector<float>{1, 1, 1});
  const Job job = claim_one();
  EXPECT_EQ(job.task, Task::store_kept);
  world().put_vector(1, std::nullopt);
  EXPECT_EQ(settle_one(complete_kept(job)), Outcome::done);
  EXPECT_THAT(world().vector_of(1), Optional(kStored));
  EXPECT_EQ(world().jobs(), 0U);
}

TEST_P(QueueContract, AVectorReplacedWhileItsRowIsBoughtIsNotBoughtAgain) {
  world().put_row(1, "one");
  const Job first = claim_one();
  world().put_vector(1, kForeign);
  EXPECT_THAT(*claim().jobs, IsEmpty());
  EXPECT_EQ(settle_one(complete({first})), Outcome::done);
  EXPECT_THAT(world().vector_of(1), Optional(kStored));
  EXPECT_EQ(world().jobs(), 0U);

  world().update_text(1, "two");
  const Job second = claim_one();
  world().put_vector(1, std::nullopt);
  EXPECT_EQ(settle_one(complete({second})), Outcome::done);
  EXPECT_THAT(world().vector_of(1), Optional(kStored));
  EXPECT_EQ(world().jobs(), 0U);
}

TEST_P(QueueContract, AReplacedVectorDoesNotProlongALease) {
  world().put_row(1, "one");
  const Job lost = claim_one();
  world().advance(minutes(2));
  world().put_vector(1, kForeign);
  const Job job = claim_one();
  EXPECT_EQ(job.text, "one");
  EXPECT_EQ(settle_one(complete({lost})), Outcome::gone);
  EXPECT_EQ(settle_one(complete({job})), Outcome::done);
}

TEST_P(QueueContract, AVectorThatIsWrittenAsItWasNeedsNothing) {
  embed_row(1, "one");
  world().put_vector(1, kStored);
  EXPECT_EQ(world().jobs(), 0U);
  world().put_vector(1, kForeign);
  world().put_vector(1, kStored);
  EXPECT_EQ(claim_one().task, Task::current);
}

TEST_P(QueueContract, AReplacedVectorOfAnotherTextIsNotPutBack) {
  embed_row(1, "one");
  world().put_vector(1, kForeign);
  world().update_text(1, "two");
  const Job job = claim_one();
  EXPECT_EQ(job.task, Task::embed);
  EXPECT_EQ(job.text, "two");
}

TEST_P(QueueContract, AVectorReplacedWhileItsJobIsCurrentIsNotForgotten) {
  embed_row(1, "one");
  world().update_text(1, "two");
  world().update_text(1, "one");
  const Job job = claim_one();
  EXPECT_EQ(job.task, Task::current);
  world().put_vector(1, kForeign);
  EXPECT_EQ(settle_one(act(Action::drop, {job})), Outcome::stale);
  EXPECT_EQ(settle_one(act(Action::reschedule, {job})), Outcome::done);
  EXPECT_EQ(claim_one().task, Task::store_kept);
}

TEST_P(QueueContract, AVectorWrittenToADeadRowMakesTheRowAJobAgain) {
  world().put_row(1, "poison");
  EXPECT_EQ(settle_one(act(Action::discard, {claim_one()})), Outcome::done);
  world().put_vector(1, kForeign);
  EXPECT_EQ(world().dead_letters(), 0U);
  EXPECT_EQ(claim_one().text, "poison");
}

TEST_P(QueueContract, AVectorOfARowWithoutTextIsCleared) {
  world().put_row(1, std::nullopt);
  EXPECT_THAT(*claim().jobs, testing::Each(testing::Field(&Job::task, Task::clear)));
  world().advance(minutes(2));
  world().put_vector(1, kForeign);
  const Job job = claim_one();
  EXPECT_EQ(job.task, Task::clear);
  EXPECT_EQ(settle_one(act(Action::clear, {job})), Outcome::done);
  EXPECT_EQ(world().vector_of(1), std::nullopt);
}

TEST_P(QueueContract, AWalkFindsAVectorThatWasReplacedBehindTheTriggers) {
  embed_row(1, "one");
  embed_row(2, "two");
  EXPECT_EQ(walk_all(), 0U);
  world().put_vector(1, kForeign, Capture::unseen);
  EXPECT_EQ(walk_all(), 1U);
  const Job job = claim_one();
  EXPECT_EQ(job.task, Task::embed);
  EXPECT_EQ(settle_one(complete({job})), Outcome::done);
  EXPECT_THAT(world().vector_of(1), Optional(kStored));
  EXPECT_EQ(walk_all(), 0U);
}

TEST_P(QueueContract, AVectorThatIsReplacedEachTimeIsBoughtThreeTimesMore) {
  embed_row(1, "one");
  for (int i = 0; i < 3; ++i) {
    world().put_vector(1, kForeign, Capture::unseen);
    const auto page = walk();
    EXPECT_EQ(page.replaced, 1U);
    EXPECT_EQ(page.disputed, 0U);
    ASSERT_EQ(settle_one(complete({claim_one()})), Outcome::done);
    world().advance(minutes(61));
  }
  world().put_vector(1, kForeign, Capture::unseen);
  const auto page = walk();
  EXPECT_EQ(page.enqueued, 0U);
  EXPECT_EQ(page.disputed, 1U);
  world().update_text(1, "one, changed");
  ASSERT_EQ(settle_one(complete({claim_one()})), Outcome::done);
  world().put_vector(1, kForeign, Capture::unseen);
  EXPECT_EQ(walk_all(), 1U);
}

// ── Reserve

TEST_P(QueueContract, ReservationsOfAnAccountFollowEachOther) {
  const auto seconds_of = [](Duration wait) { return std::lround(to_seconds(wait)); };
  const Reservation reservation{
      .endpoint = "metered", .requests = 1, .tokens = 10, .tokens_time = seconds(20)};
  EXPECT_LE(seconds_of(reserve(reservation)), 0);
  EXPECT_EQ(seconds_of(reserve(reservation)), 20);
  EXPECT_EQ(seconds_of(reserve(reservation)), 40);
  const Reservation of_a_model{
      .endpoint = "metered", .model = "a-model", .requests = 1, .tokens = 10, .tokens_time = seconds(7)};
  EXPECT_LE(seconds_of(reserve(of_a_model)), 0);
  EXPECT_EQ(seconds_of(reserve(of_a_model)), 7);
  const Reservation another{.endpoint = "another", .requests = 1, .requests_time = seconds(10)};
  EXPECT_LE(seconds_of(reserve(another)), 0);
  EXPECT_EQ(seconds_of(reserve(another)), 10);
  EXPECT_EQ(seconds_of(reserve({.endpoint = "metered", .requests = 1, .requests_time = seconds(5)})), 60);
}

TEST_P(QueueContract, AClosedAccountReservesNothingMeanwhile) {
  EXPECT_EQ(std::lround(to_seconds(reserve({.endpoint = "metered", .closed_for = seconds(30)}))), 30);
  EXPECT_EQ(
      std::lround(to_seconds(reserve({.endpoint = "metered", .requests = 1, .requests_time = seconds(1)}))),
      30);
}

// ── Budgets

/// Tokens, and as many billionths of a dollar.
Cost both(std::int64_t amount) { return {.tokens = amount, .nano_usd = amount}; }

TEST_P(QueueContract, ABudgetGrantsWhatIsWantedThenWhatIsLeftThenNothing) {
  BudgetRequest request{
      .budget_of = "endpoint a", .budget = {.tokens = 100}, .needed = both(10), .wanted = both(60)};
  EXPECT_EQ(reserve_of(request).cost, both(60));
  EXPECT_EQ(reserve_of(request).cost, (Cost{.tokens = 40, .nano_usd = 60}));
  EXPECT_EQ(reserve_of(request).cost, Cost{});
  request.budget.tokens = 109;
  EXPECT_EQ(reserve_of(request).cost, Cost{}) << "ten are needed, and nine are left";
  request.budget.tokens = 110;
  EXPECT_EQ(reserve_of(request).cost, (Cost{.tokens = 10, .nano_usd = 60}));
  EXPECT_EQ(reserve_of(request).cost, Cost{});
  request.budget_of = "endpoint b";
  EXPECT_EQ(reserve_of(request).cost, both(60)) << "another budget";
}

TEST_P(QueueContract, ABudgetInDollarsAndTokensIsSpentWhenOneIs) {
  const BudgetRequest request{.budget_of = "endpoint a",
                              .budget = {.tokens = 1000, .nano_usd = 50},
                              .needed = both(10),
                              .wanted = both(40)};
  EXPECT_EQ(reserve_of(request).cost, both(40));
  EXPECT_EQ(reserve_of(request).cost, (Cost{.tokens = 40, .nano_usd = 10}));
  EXPECT_EQ(reserve_of(request).cost, Cost{});
}

TEST_P(QueueContract, WhatNeedsMoreThanAWholeBudgetIsGrantedFirstOnADay) {
  BudgetRequest request{
      .budget_of = "endpoint a", .budget = {.tokens = 100}, .needed = both(150), .wanted = both(200)};
  const BudgetAnswer::Part first = reserve_of(request);
  EXPECT_EQ(first.cost, both(150));
  EXPECT_EQ(reserve_of(request).cost, Cost{});
  request.needed = request.wanted = both(1);
  EXPECT_EQ(reserve_of(request).cost, Cost{}) << "and nothing beside it";
  world().next_day();
  EXPECT_EQ(reserve_of(request).cost, both(1));
  request.needed = both(150);
  EXPECT_EQ(reserve_of(request).cost, Cost{}) << "it must be the first";
}

TEST_P(QueueContract, WhatIsReturnedToABudgetCanBeReservedAgain) {
  BudgetRequest request{
      .budget_of = "endpoint a", .budget = {.tokens = 100}, .needed = both(10), .wanted = both(100)};
  const BudgetAnswer::Part first = reserve_of(request);
  request.day = first.day;
  request.returned = both(30);
  EXPECT_EQ(reserve_of(request).cost.tokens, 30);
  request.returned = both(-5);  // a request cost more than was reserved
  EXPECT_EQ(reserve_of(request).cost, Cost{});
  BudgetRequest only_returns = request;
  only_returns.needed = only_returns.wanted = {};
  only_returns.returned = both(25);
  EXPECT_EQ(reserve_of(only_returns).cost, Cost{});
  request.returned = {};
  EXPECT_EQ(reserve_of(request).cost.tokens, 20);
  request.day = first.day - 1;
  request.returned = both(100);
  EXPECT_EQ(reserve_of(request).cost, Cost{}) << "that was another day's";
}

TEST_P(QueueContract, ABudgetIsWholeAgainTheNextDay) {
  const BudgetRequest request{
      .budget_of = "endpoint a", .budget = {.tokens = 100}, .needed = both(10), .wanted = both(100)};
  const BudgetAnswer::Part today = reserve_of(request);
  EXPECT_EQ(today.cost.tokens, 100);
  EXPECT_GT(today.day_left, Duration{});
  EXPECT_LE(today.day_left, std::chrono::hours(24));
  EXPECT_EQ(reserve_of(request).cost, Cost{});
  world().next_day();
  EXPECT_EQ(reserve_of(request).cost.tokens, 100);
}

TEST_P(QueueContract, PollTellsBudgetsAndWhatIsReservedOfThem) {
  Poll states = poll();
  EXPECT_EQ(states->at(0).budget, Budget{});
  EXPECT_EQ(states->at(0).budget_of, world().vectorizer());
  const Budget budget{.tokens = 100, .nano_usd = 5'000'000};
  world().set_budget(budget);
  BudgetRequest request{.budget_of = budget_of_vectorizer(world().vectorizer()),
                        .budget = budget,
                        .needed = both(1),
                        .wanted = both(7)};
  const std::int64_t day = reserve_of(request).day;
  request.budget_of = budget_of_endpoint("openai");
  request.wanted = both(9);
  reserve_of(request);
  states = poll();
  EXPECT_EQ(states->at(0).budget, budget);
  EXPECT_EQ(states->at(0).reserved, both(7));
  EXPECT_EQ(states->at(0).endpoint_reserved, both(9));
  EXPECT_EQ(states->at(0).day, day);
  world().next_day();
  states = poll();
  EXPECT_EQ(states->at(0).reserved, Cost{});
  EXPECT_EQ(states->at(0).endpoint_reserved, Cost{});
}

// ── Reschedule, discard, extend

TEST_P(QueueContract, ARescheduledJobIsDueAfterItsDelay) {
  world().put_row(1, "one");
  EXPECT_EQ(settle_one(act(Action::reschedule, {claim_one()}, seconds(10))), Outcome::done);
  EXPECT_THAT(*claim().jobs, IsEmpty());
  world().advance(seconds(11));
  const Claim again = claim();
  ASSERT_THAT(*again.jobs, SizeIs(1));
  EXPECT_EQ(again.rescued, 0U);
  EXPECT_EQ(again.jobs->at(0).attempt, 0);

  Settlement charged = act(Action::reschedule, *again.jobs);
  charged.charge_attempt = true;
  EXPECT_EQ(settle_one(charged), Outcome::done);
  EXPECT_EQ(claim_one().attempt, 1);
}

TEST_P(QueueContract, ADiscardedJobIsADeadLetterUntilItsTextChanges) {
  world().put_row(1, "poison");
  const Settlement discard = act(Action::discard, {claim_one()});
  EXPECT_EQ(settle_one(discard), Outcome::done);
  EXPECT_EQ(world().jobs(), 0U);
  EXPECT_EQ(world().dead_letters(), 1U);
  EXPECT_EQ(settle_one(discard), Outcome::gone);
  EXPECT_EQ(walk_all(), 0U);
  world().update_text(1, "cure");
  EXPECT_EQ(world().dead_letters(), 0U);
  EXPECT_EQ(claim_one().text, "cure");
}

TEST_P(QueueContract, ATextThatChangedBehindTheTriggersIsNotDiscardedForItsPredecessor) {
  world().put_row(1, "poison");
  const Job job = claim_one();
  world().update_text(1, "cure", Capture::unseen);
  EXPECT_EQ(settle_one(act(Action::discard, {job})), Outcome::stale);
  EXPECT_EQ(world().dead_letters(), 0U);
  EXPECT_EQ(settle_one(act(Action::reschedule, {job})), Outcome::done);
  EXPECT_EQ(claim_one().text, "cure");
}

TEST_P(QueueContract, AWalkPardonsADeadLetterWhoseTextChangedBehindTheTriggers) {
  world().put_row(1, "poison");
  EXPECT_EQ(settle_one(act(Action::discard, {claim_one()})), Outcome::done);
  world().update_text(1, "cure", Capture::unseen);
  EXPECT_EQ(walk_all(), 1U);
  EXPECT_EQ(world().dead_letters(), 0U);
  EXPECT_EQ(claim_one().text, "cure");
}

TEST_P(QueueContract, ARowThatCannotBeClearedIsADeadLetterOnce) {
  embed_row(1, "fine");
  world().update_text(1, "");
  Settlement discard = act(Action::discard, {claim_one()});
  discard.clear_vector = false;
  EXPECT_EQ(settle_one(discard), Outcome::done);
  EXPECT_EQ(world().dead_letters(), 1U);
  EXPECT_EQ(walk_all(), 0U);
}

TEST_P(QueueContract, ADiscardedRowLosesTheVectorOfItsFormerText) {
  embed_row(1, "fine");
  world().update_text(1, "poison");
  const Job job = claim_one();
  world().hold_row(1);
  EXPECT_EQ(settle_one(act(Action::discard, {job})), Outcome::busy);
  world().release();
  EXPECT_EQ(settle_one(act(Action::discard, {job})), Outcome::done);
  EXPECT_EQ(world().vector_of(1), std::nullopt);
  EXPECT_EQ(world().dead_letters(), 1U);
  EXPECT_EQ(walk_all(), 0U);
}

TEST_P(QueueContract, ADiscardedRowThatRefusesWritesKeepsItsVector) {
  embed_row(1, "fine");
  world().update_text(1, "poison");
  Settlement discard = act(Action::discard, {claim_one()});
  discard.clear_vector = false;
  EXPECT_EQ(settle_one(discard), Outcome::done);
  EXPECT_THAT(world().vector_of(1), Optional(SizeIs(3)));
  EXPECT_EQ(world().dead_letters(), 1U);
}

TEST_P(QueueContract, AnExtendedLeaseLastsLonger) {
  world().put_row(1, "one");
  const Job job = claim_one();
  world().advance(kLease - seconds(10));
  EXPECT_EQ(settle_one(act(Action::extend, {job}, kLease)), Outcome::done);
  world().advance(seconds(30));
  EXPECT_THAT(*claim().jobs, IsEmpty());
  EXPECT_EQ(settle_one(complete({job})), Outcome::done);
  EXPECT_EQ(settle_one(act(Action::extend, {job}, kLease)), Outcome::gone);
}

TEST_P(QueueContract, OutcomesStandInTheOrderOfTheirJobs) {
  for (int row = 0; row < 4; ++row) {
    world().put_row(row, "text");
    world().advance(seconds(1));
  }
  const Claim claimed = claim();
  ASSERT_THAT(*claimed.jobs, SizeIs(4));
  world().update_text(0, "changed");
  world().hold_row(1);
  world().update_text(3, "changed", Capture::unseen);
  EXPECT_THAT(settle(complete(*claimed.jobs)),
              ElementsAre(Outcome::gone, Outcome::kept, Outcome::done, Outcome::stale));
  world().release();
}

TEST_P(QueueContract, OutcomesOfAThousandJobsStandInTheirOrderToo) {
  constexpr std::size_t kJobs = 1100;  // of more than one statement
  for (std::size_t row = 0; row < kJobs; ++row) world().put_row(static_cast<int>(row), "text");
  const Claim claimed = claim(2 * kJobs);  // one row in eight is reserved for a backfill
  ASSERT_THAT(*claimed.jobs, SizeIs(kJobs));
  world().update_text(0, "changed");
  world().update_text(kJobs - 1, "changed", Capture::unseen);
  std::vector<Outcome> expected;
  for (const Job& job : *claimed.jobs) {
    const bool first = job.key == world().key_of(0), last = job.key == world().key_of(kJobs - 1);
    expected.push_back(first ? Outcome::gone : last ? Outcome::stale : Outcome::done);
  }
  EXPECT_THAT(settle(complete(*claimed.jobs)), ElementsAreArray(expected));
}

// ── Poll, walk

TEST_P(QueueContract, PollTellsWhatIsDue) {
  Poll states = poll();
  ASSERT_TRUE(states.has_value());
  ASSERT_THAT(*states, SizeIs(1));
  EXPECT_EQ(states->at(0).vectorizer.id, world().vectorizer());
  EXPECT_EQ(states->at(0).vectorizer.dimensions, 3);
  EXPECT_FALSE(states->at(0).due);
  EXPECT_FALSE(states->at(0).waiting);
  EXPECT_TRUE(states->at(0).walk_due);

  world().put_row(1, "one");
  world().advance(seconds(3));
  states = poll();
  EXPECT_TRUE(states->at(0).due);
  EXPECT_TRUE(states->at(0).waiting);
  EXPECT_GE(states->at(0).jobs_estimate, 1);
  ASSERT_TRUE(states->at(0).oldest.has_value());
  EXPECT_GE(*states->at(0).oldest, seconds(3));

  const Job job = claim_one();
  states = poll();
  EXPECT_FALSE(states->at(0).due);
  EXPECT_TRUE(states->at(0).waiting);
  EXPECT_EQ(states->at(0).oldest, std::nullopt);
  EXPECT_EQ(settle_one(act(Action::discard, {job})), Outcome::done);
  EXPECT_EQ(poll()->at(0).dead_letters, 1);
}

TEST_P(QueueContract, AWalkFindsWhatTheTriggersMissed) {
  embed_row(1, "one");
  embed_row(2, "two");
  embed_row(3, "three");
  world().update_text(1, "one, changed", Capture::unseen);
  world().update_text(2, std::nullopt, Capture::unseen);
  world().put_row(4, "four", Capture::unseen);
  world().put_row(5, std::nullopt, Capture::unseen);
  EXPECT_EQ(walk_all(), 3U);
  EXPECT_EQ(walk_all(), 0U);
  const Claim claimed = claim();
  ASSERT_THAT(*claimed.jobs, SizeIs(3));
  EXPECT_EQ(std::count_if(claimed.jobs->begin(), claimed.jobs->end(),
                          [](const Job& job) { return job.task == Task::clear; }),
            1);
}

TEST_P(QueueContract, AWalkIsOneWorkersAndDueAgainLater) {
  EXPECT_TRUE(poll()->at(0).walk_due);
  EXPECT_TRUE(walk().finished);
  EXPECT_FALSE(poll()->at(0).walk_due);
  world().advance(minutes(61));
  EXPECT_TRUE(poll()->at(0).walk_due);
}

TEST_P(QueueContract, AWalkThatIsDueByTheClockAloneIsRoutine) {
  EXPECT_FALSE(walk().routine);
  world().put_row(1, std::nullopt, Capture::unseen);
  world().advance(minutes(61));
  const auto page = walk();
  EXPECT_TRUE(page.routine);
  EXPECT_TRUE(page.finished);
  EXPECT_GT(page.took, Duration{});
}

TEST_P(QueueContract, AWalkIsPutOffWhereNothingHasHappenedSinceTheLastBegan) {
  if (!world().knows_history()) GTEST_SKIP() << "this PostgreSQL's statistics may lose something";
  world().put_row(1, std::nullopt, Capture::unseen);
  EXPECT_FALSE(walk().put_off);
  world().advance(minutes(61));
  auto page = walk();
  EXPECT_TRUE(page.put_off);
  EXPECT_TRUE(page.finished);
  EXPECT_EQ(page.scanned, 0U);
  EXPECT_FALSE(poll()->at(0).walk_due) << "not before another hour";
  world().advance(minutes(61));
  EXPECT_TRUE(poll()->at(0).walk_due);
  world().update_text(1, "one", Capture::unseen);
  page = walk();
  EXPECT_FALSE(page.put_off);
  EXPECT_EQ(page.enqueued, 1U);
}

TEST_P(QueueContract, NoWalkIsPutOffForMoreThanADay) {
  if (!world().knows_history()) GTEST_SKIP() << "this PostgreSQL's statistics may lose something";
  world().put_row(1, std::nullopt, Capture::unseen);
  EXPECT_FALSE(walk().put_off);
  int put_off = 0;
  for (world().advance(minutes(61)); walk().put_off; world().advance(minutes(61))) ++put_off;
  EXPECT_EQ(put_off, 22);
  EXPECT_FALSE(poll()->at(0).walk_due);
}

TEST_P(QueueContract, AWalkThatIsAskedForBeforeItsTimeIsNotPutOff) {
  world().put_row(1, std::nullopt, Capture::unseen);
  EXPECT_FALSE(walk().put_off);
  EXPECT_FALSE(walk().put_off);
}

TEST_P(QueueContract, LiveChangesGoBeforeBackfill) {
  world().put_row(1, "old", Capture::unseen);
  EXPECT_EQ(walk_all(), 1U);
  world().advance(seconds(5));
  world().put_row(2, "new");
  EXPECT_THAT(texts_of(*claim().jobs), ElementsAre("new", "old"));
}

TEST_P(QueueContract, LimitsAreRememberedForADay) {
  const Vectorizer vectorizer = poll()->at(0).vectorizer;
  EXPECT_EQ(poll()->at(0).remembered, std::nullopt);
  LimitsRecord record{.endpoint = vectorizer.endpoint,
                      .model = vectorizer.model,
                      .dimensions = vectorizer.dimensions,
                      .limits = {.inputs = 10, .left_out = {.encoding_format = true}}};
  world().queue().send_limits(record);
  EXPECT_EQ(remembered(), record.limits);
  record.limits = {.inputs = 11, .text_tokens = 8000, .counted = true, .left_out = {.dimensions = true}};
  world().queue().send_limits(record);
  EXPECT_EQ(remembered(), record.limits) << "in place of the former";
  LimitsRecord other = record;
  other.model = "another";
  other.limits = {.inputs = 5};
  world().queue().send_limits(other);
  EXPECT_EQ(remembered(), record.limits) << "each model has its own";
  world().advance(std::chrono::hours(23));
  EXPECT_EQ(remembered(), record.limits);
  world().advance(std::chrono::hours(2));
  EXPECT_EQ(remembered(), std::nullopt);
  world().queue().send_limits(record);
  EXPECT_EQ(remembered(), record.limits);
}

}  // namespace embedd::test
