// One promise at a time, in the words of the guarantees. The random days are in seeds_test.cc.
#include <gmock/gmock.h>

#include "core/embedder.h"
#include "support/scenario.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

const Error kTooManyRequests{ErrorKind::rate_limited, "429", Duration(2s)};
const Error kServerError{ErrorKind::unavailable, "503"};
const Error kNoMoney{ErrorKind::quota_exhausted, "insufficient_quota"};
const Error kNoModel{ErrorKind::misconfigured, "no such model"};
const Error kWrongKey{ErrorKind::unauthenticated, "401"};

TEST_F(Scenario, EveryRowGetsTheVectorOfItsText) {
  world.add_table("notes", 300);
  world.start_worker();
  expect_all_true(1min);
  EXPECT_LE(world.provider.requests, 300U / 8);
}

TEST_F(Scenario, WorkersShareTheQueueAndPayOnce) {
  world.add_table("notes", 1000);
  for (int i = 0; i < 4; ++i) world.start_worker();
  expect_all_true(1min);
  for (const auto& [text, times] : world.provider.billed) EXPECT_EQ(times, 1) << text;
  for (int i = 0; i < 4; ++i) EXPECT_GT(world.worker(i).summary().rows_embedded, 0U) << "worker " << i;
}

TEST_F(Scenario, EqualTextsInOneRequestArePaidOnce) {
  const VectorizerId notes = world.add_table("notes", 0);
  for (int i = 0; i < 8; ++i) world.database.put(notes, std::to_string(i), "the same", world.now());
  world.start_worker();
  expect_all_true();
  EXPECT_EQ(world.provider.billed["the same"], 1);
}

TEST_F(Scenario, OnceEndsWhenNothingIsDue) {
  world.options.once = true;
  world.add_table("notes", 100);
  const int worker = world.start_worker();
  EXPECT_TRUE(world.run_until([&] { return !world.alive(worker); }, 1min));
  EXPECT_EQ(world.verdict(), "");
  EXPECT_FALSE(world.worker(worker).summary().rows_remain);
}

TEST_F(Scenario, OnceSaysThatRowsRemainWithoutAKey) {
  world.options.once = true;
  world.provider.key = KeyState::missing;
  world.add_table("notes", 100);
  const int worker = world.start_worker();
  EXPECT_TRUE(world.run_until([&] { return !world.alive(worker); }, 1min));
  EXPECT_TRUE(world.worker(worker).summary().rows_remain);
  EXPECT_EQ(world.provider.requests, 0U);
}

TEST_F(Scenario, OnceEndsWithoutAKeyAlsoWhenTheQueueIsTooLongForTheWalkToEnd) {
  world.options.once = true;
  world.provider.key = KeyState::missing;
  world.add_table("notes", 2000);
  const int worker = world.start_worker();
  EXPECT_TRUE(world.run_until([&] { return !world.alive(worker); }, 1min));
  EXPECT_TRUE(world.worker(worker).summary().rows_remain);
}

TEST_F(Scenario, OnceEndsAndSaysThatRowsRemainWhenAWalkIsRefused) {
  world.options.once = true;
  table(world.add_table("refused", 0)).refuses_walks = true;
  world.add_table("notes", 100);
  const int worker = world.start_worker();
  EXPECT_TRUE(world.run_until([&] { return !world.alive(worker); }, 1min));
  EXPECT_EQ(world.verdict(), "") << "its neighbour is none the worse for it";
  EXPECT_TRUE(world.worker(worker).summary().rows_remain) << "nobody knows what the walk would have found";
}

TEST_F(Scenario, AWalkThatWasRefusedGoesOnOnceItMay) {
  const VectorizerId notes = world.add_table("notes", 100);
  table(notes).refuses_walks = true;
  world.start_worker();
  world.run_for(1h);
  EXPECT_FALSE(table(notes).walked);
  table(notes).refuses_walks = false;
  EXPECT_TRUE(world.run_until([&] { return table(notes).walked; }, 6min));
  expect_all_true();
}

TEST_F(Scenario, WithoutAKeyRowsWaitAndTheWorkerStaysUp) {
  world.provider.key = KeyState::missing;
  const VectorizerId notes = world.add_table("notes", 50);
  const int worker = world.start_worker();
  world.run_for(1h);
  EXPECT_TRUE(world.alive(worker));
  EXPECT_EQ(world.provider.requests + world.provider.keyless, 0U);
  for (const auto& [key, queued] : table(notes).queue)
    EXPECT_FALSE(queued.lease) << "nothing is even claimed";
  world.provider.key = KeyState::present;
  expect_all_true(1min);
  EXPECT_EQ(world.charged, 0U);
}

TEST_F(Scenario, ATextChangedInFlightNeverGetsTheOldVector) {
  const VectorizerId notes = world.add_table("notes", 1);
  world.provider.mood.latency = 2s;
  world.answers_may_be_lost = true;
  const int worker = world.start_worker();
  world.at(1s, [&] { world.database.put(notes, "0000", "changed", world.now()); });
  expect_all_true();
  world.run_for(1s);
  EXPECT_EQ(world.worker(worker).summary().rows_embedded, 1U) << "what was stored counts, not what was paid";
  EXPECT_EQ(world.provider.billed["notes 0 v0"], 1);
  EXPECT_EQ(world.provider.billed["changed"], 1);
}

TEST_F(Scenario, ATextChangedBehindTheTriggersInFlightIsCaughtByItsHash) {
  const VectorizerId notes = world.add_table("notes", 1);
  world.provider.mood.latency = 2s;
  world.start_worker();
  world.at(1s, [&] { world.database.update_behind_triggers(notes, "0000", "changed"); });
  expect_all_true();
}

TEST_F(Scenario, ARowDeletedInFlightLeavesNothingBehind) {
  const VectorizerId notes = world.add_table("notes", 3);
  world.provider.mood.latency = 2s;
  world.start_worker();
  world.at(1s, [&] { world.database.remove(notes, "0001"); });
  expect_all_true();
  EXPECT_FALSE(table(notes).rows.contains("0001"));
  EXPECT_FALSE(table(notes).ledger.contains("0001"));
}

TEST_F(Scenario, ATextThatBecomesBlankLosesItsVector) {
  const VectorizerId notes = world.add_table("notes", 3);
  world.start_worker();
  expect_all_true();
  world.database.put(notes, "0001", "  ", world.now());
  expect_all_true();
  EXPECT_FALSE(table(notes).rows.at("0001").vector);
}

TEST_F(Scenario, RewritingTheSameTextCostsNothing) {
  const VectorizerId notes = world.add_table("notes", 10);
  world.start_worker();
  expect_all_true();
  const auto before = world.provider.requests;
  world.database.put(notes, "0001", "a moment's whim", world.now());
  world.database.put(notes, "0001", "notes 1 v0", world.now());  // and back, before anyone saw it
  expect_all_true();
  EXPECT_EQ(world.provider.requests, before);
}

TEST_F(Scenario, ALockedRowKeepsItsVectorForLater) {
  const VectorizerId notes = world.add_table("notes", 20);
  ASSERT_TRUE(world.database.lock_row(notes, "0003", false));
  world.start_worker();
  world.run_for(20s);
  EXPECT_EQ(world.database.jobs(), 1U) << "the neighbours are done";
  world.after(40s, [&] { world.database.finish(notes, "0003", std::nullopt, world.now()); });
  expect_all_true();
  EXPECT_EQ(world.provider.billed["notes 3 v0"], 1);
}

TEST_F(Scenario, VectorsForALockedTableWaitInItsQueueAndNotInMemory) {
  const VectorizerId notes = world.add_table("notes", 4);
  world.provider.mood.latency = 1s;
  const int worker = world.start_worker();
  ASSERT_TRUE(world.run_until([&] { return world.provider.requests > 0; }, 10s));
  table(notes).locked = true;
  world.run_for(20s);
  for (const auto& [key, job] : table(notes).queue) EXPECT_TRUE(job.kept) << key;
  world.kill_worker(worker);
  table(notes).locked = false;
  world.start_worker();
  expect_all_true();
  EXPECT_EQ(world.provider.billed["notes 3 v0"], 1);
}

TEST_F(Scenario, ALockedRowWhoseTextChangesIsEmbeddedAnew) {
  const VectorizerId notes = world.add_table("notes", 20);
  world.provider.mood.latency = 2s;
  world.start_worker();
  world.at(1s, [&] { world.database.lock_row(notes, "0003", true); });
  world.at(30s, [&] { world.database.finish(notes, "0003", "new text", world.now()); });
  world.run_for(31s);
  expect_all_true();
}

TEST_F(Scenario, ALockedRowThatIsRolledBackKeepsThePaidVector) {
  const VectorizerId notes = world.add_table("notes", 20);
  world.provider.mood.latency = 2s;
  world.start_worker();
  world.at(1s, [&] { world.database.lock_row(notes, "0003", true); });
  world.at(90s, [&] { world.database.finish(notes, "0003", std::nullopt, world.now()); });
  world.run_for(91s);
  expect_all_true();
  EXPECT_EQ(world.provider.billed["notes 3 v0"], 1);
}

TEST_F(Scenario, ADeadWorkersJobsMoveOnWithinTheLease) {
  world.add_table("notes", 200);
  world.provider.mood.latency = 3s;
  const int first = world.start_worker();
  world.at(1s, [&] { world.kill_worker(first); });
  world.at(2s, [&] {
    world.provider.mood.latency = 50ms;
    world.start_worker();
  });
  world.run_for(2s);
  expect_all_true(Duration(66s));
}

TEST_F(Scenario, AStoppingWorkersJobsMoveOnAtOnce) {
  const VectorizerId notes = world.add_table("notes", 200);
  world.provider.mood.latency = 1s;
  const int worker = world.start_worker();
  world.at(500ms, [&] { world.drain_worker(worker); });
  EXPECT_TRUE(world.run_until([&] { return !world.alive(worker); }, 5s));
  for (const auto& [key, queued] : table(notes).queue) EXPECT_FALSE(queued.lease) << key;
  EXPECT_LT(world.database.jobs(), 200U) << "what was in flight is stored";
}

TEST_F(Scenario, ASecondSignalGivesTheLeasesBack) {
  const VectorizerId notes = world.add_table("notes", 200);
  world.provider.mood.latency = 20s;
  const int worker = world.start_worker();
  world.at(500ms, [&] { world.drain_worker(worker); });
  world.at(600ms, [&] { world.cancel_worker(worker); });
  EXPECT_TRUE(world.run_until([&] { return !world.alive(worker); }, 2s));
  EXPECT_EQ(world.database.jobs(), 200U);
  for (const auto& [key, queued] : table(notes).queue) EXPECT_FALSE(queued.lease) << key;
}

TEST_F(Scenario, ThePauseOfAVectorizerEndsVisiblyOnceRowsAreStoredAgain) {
  world.add_table("notes", 100);
  world.start_worker();
  expect_all_true();
  EXPECT_THAT(world.story(), Not(HasSubstr("notes resumes"))) << "nothing had rested";
  for (int i = 0; i < 2; ++i) {
    world.provider.mood.fault = kNoModel;
    world.database.put(1, "new", fmt::format("text {}", i), world.now());
    EXPECT_TRUE(
        world.run_until([&] { return world.story(1).find("notes rests") != std::string::npos; }, 1min));
    world.provider.mood.fault.reset();
    expect_all_true();
    world.run_for(1h);
    EXPECT_THAT(world.story(5), HasSubstr("notes resumes"));
  }
}

TEST_F(Scenario, ALongRequestKeepsItsLease) {
  world.add_table("notes", 10);
  world.provider.mood.latency = 5min;
  world.provider.limits.timeout = 10min;
  for (int i = 0; i < 3; ++i) world.start_worker();
  expect_all_true(20min);
  for (const auto& [text, times] : world.provider.billed) EXPECT_EQ(times, 1) << text;
}

TEST_F(Scenario, PoisonStaysAlone) {
  const VectorizerId notes = world.add_table("notes", 200);
  for (const char* key : {"0007", "0070", "0133"})
    world.database.put(notes, key, "poison " + std::string(key), world.now());
  world.start_worker();
  expect_all_true();
  EXPECT_EQ(table(notes).dead.size(), 3U);
  EXPECT_LE(world.provider.requests, 200U / 16 + 3 * 2 * 5 + 5) << "bisection, not one by one";
}

TEST_F(Scenario, ATextThatTheModelFindsTooLongIsCut) {
  const VectorizerId notes = world.add_table("notes", 30);
  world.database.put(notes, "0004", "long " + std::string(900, 'x'), world.now());
  world.start_worker();
  expect_all_true();
  EXPECT_TRUE(table(notes).dead.empty());
}

TEST_F(Scenario, ARowThatTheDatabaseRefusesStaysAlone) {
  const VectorizerId notes = world.add_table("notes", 60);
  table(notes).refused_keys = {"0005", "0041"};
  world.start_worker();
  expect_all_true();
  EXPECT_EQ(table(notes).dead.size(), 2U);
  for (const auto& [text, times] : world.provider.billed) EXPECT_EQ(times, 1) << text;
}

TEST_F(Scenario, ATableThatRefusesEveryRowCostsAHandfulAndNothingTwice) {
  const VectorizerId notes = world.add_table("notes", 600);
  for (const auto& [key, row] : table(notes).rows) table(notes).refused_keys.insert(key);
  world.start_worker();
  world.run_for(1h);
  EXPECT_LT(table(notes).dead.size(), 8U);
  EXPECT_EQ(table(notes).queue.size() + table(notes).dead.size(), 600U);
  table(notes).refused_keys.clear();
  world.run_for(20min);
  EXPECT_TRUE(table(notes).queue.empty()) << table(notes).queue.size();
  for (const auto& [text, times] : world.provider.billed) EXPECT_EQ(times, 1) << text;
}

TEST_F(Scenario, AGoodRowIsFoundAmongManyThatTheDatabaseRefuses) {
  const VectorizerId notes = world.add_table("notes", 90);
  int row = 0;
  for (const auto& [key, unused] : table(notes).rows)
    if (++row % 30 != 0) table(notes).refused_keys.insert(key);
  world.start_worker();
  const auto stored = [&] {
    return std::ranges::count_if(table(notes).rows,
                                 [](const auto& entry) { return entry.second.vector.has_value(); });
  };
  EXPECT_TRUE(world.run_until([&] { return stored() == 3; }, 5min));
  world.run_for(10min);
  world.database.put(notes, "new", "a good one", world.database_now());
  EXPECT_TRUE(world.run_until([&] { return stored() == 4; }, 5min));
  EXPECT_EQ(table(notes).queue.size() + table(notes).dead.size(), 87U);
  for (const auto& [text, times] : world.provider.billed) EXPECT_EQ(times, 1) << text;
}

TEST_F(Scenario, ATableThatTakesTooLongIsGivenAsMuchAsItTakes) {
  const VectorizerId notes = world.add_table("notes", 300);
  table(notes).takes_rows = 7;
  world.start_worker();
  expect_all_true(10min);
  for (const auto& [text, times] : world.provider.billed) EXPECT_EQ(times, 1) << text;
}

TEST_F(Scenario, RateLimitsAreHonouredAndChargeNobody) {
  world.add_table("notes", 100);
  world.provider.mood.fault = kTooManyRequests;
  world.start_worker();
  world.at(1min, [&] { world.provider.mood.fault.reset(); });
  world.run_for(1min);
  EXPECT_LE(world.provider.refused, 4U + 60 / 2 + 1) << "one probe for every retry-after";
  expect_all_true(1min);
  EXPECT_EQ(world.charged, 0U);
}

class Outage : public Scenario, public ::testing::WithParamInterface<std::pair<Error, std::uint64_t>> {};

TEST_P(Outage, OfHoursIsSurvivedWithoutHammeringOrBlame) {
  const auto& [fault, most_requests] = GetParam();
  const VectorizerId notes = world.add_table("notes", 100);
  world.provider.mood.fault = fault;
  const int worker = world.start_worker();
  world.run_for(3h);
  EXPECT_TRUE(world.alive(worker));
  EXPECT_LE(world.provider.refused, most_requests);
  EXPECT_EQ(world.charged, 0U);
  EXPECT_TRUE(table(notes).dead.empty());
  world.provider.mood.fault.reset();
  expect_all_true(20min);
}

INSTANTIATE_TEST_SUITE_P(Provider, Outage,
                         ::testing::Values(std::pair(kServerError, 300), std::pair(kNoMoney, 30),
                                           std::pair(kWrongKey, 60)),
                         [](const auto& test) { return std::string(name_of(test.param.first.kind)); });

TEST_F(Scenario, ANewKeyEndsThePauseForABadOne) {
  world.add_table("notes", 100);
  world.provider.mood.fault = kNoMoney;
  world.start_worker();
  world.run_for(1h);
  world.provider.mood.fault.reset();
  ++world.provider.key_version;
  expect_all_true(15s);
}

TEST_F(Scenario, AMisconfiguredVectorizerRestsAndItsNeighbourWorks) {
  const VectorizerId bad = world.add_table("bad", 50);
  const VectorizerId good = world.add_table("good", 50);
  table(bad).refuses_writes = true;
  world.start_worker();
  world.run_for(1min);
  EXPECT_TRUE(table(good).queue.empty());
  EXPECT_EQ(table(bad).queue.size(), 50U);
  EXPECT_TRUE(table(bad).dead.empty());
  const auto requests = world.provider.requests;
  world.run_for(1h);
  EXPECT_LT(world.provider.requests - requests, 100U) << "it does not burn money on vectors it cannot store";
  table(bad).refuses_writes = false;
  expect_all_true(20min);
}

TEST_F(Scenario, ALostConnectionIsLookedUpNotPaidAgain) {
  world.add_table("notes", 2000);
  const int worker = world.start_worker();
  for (int i = 1; i < 20; ++i) world.at(i * 137ms, [&] { world.cut_connection(worker); });
  expect_all_true(5min);
}

TEST_F(Scenario, ADatabaseRestartIsSurvived) {
  world.add_table("notes", 2000);
  world.start_worker();
  world.at(700ms, [&] { world.restart_database(20s); });
  expect_all_true(5min);
}

TEST_F(Scenario, RowsWrittenBehindTheTriggersAreFound) {
  const VectorizerId notes = world.add_table("notes", 120);
  world.start_worker();
  expect_all_true();
  for (const char* key : {"0003", "0077"})
    world.database.update_behind_triggers(notes, key, "behind " + std::string(key));
  table(notes).rows["9999"].text = "inserted behind the triggers";
  table(notes).rows["0050"].text = "";
  EXPECT_TRUE(world.run_until([&] { return world.verdict().empty(); }, 2h));
  EXPECT_EQ(world.verdict(), "");
}

TEST_F(Scenario, APausedVectorizerWaitsAndGivesItsJobsBack) {
  const VectorizerId notes = world.add_table("notes", 500);
  world.provider.mood.latency = 2s;
  world.start_worker();
  world.run_for(1s);
  table(notes).vectorizer.stopped = true;
  world.run_for(30s);
  const std::size_t left = world.database.jobs();
  EXPECT_GT(left, 0U);
  for (const auto& [key, queued] : table(notes).queue) EXPECT_FALSE(queued.lease);
  world.run_for(1h);
  EXPECT_EQ(world.database.jobs(), left);
  table(notes).vectorizer.stopped = false;
  expect_all_true();
}

TEST_F(Scenario, ADroppedVectorizerIsForgotten) {
  const VectorizerId notes = world.add_table("notes", 500);
  world.add_table("others", 100);
  world.provider.mood.latency = 2s;
  const int worker = world.start_worker();
  world.at(1s, [&] { table(notes).dropped = true; });
  world.run_for(2s);
  expect_all_true();
  EXPECT_TRUE(world.alive(worker));
}

TEST_F(Scenario, ASmallVectorizerIsNotStarvedByABigOne) {
  world.add_table("big", 5000);
  const VectorizerId small = world.add_table("small", 10);
  world.provider.mood.latency = 1s;
  world.start_worker();
  EXPECT_TRUE(world.run_until([&] { return table(small).queue.empty(); }, 10s));
}

TEST_F(Scenario, MemoryStaysWithinItsBound) {
  const VectorizerId notes = world.add_table("notes", 0);
  world.options.held_bytes = 256 * kKiB;
  world.options.claim_bytes = 32 * kKiB;
  world.options.batch_inputs = 2;
  world.provider.limits.max_in_flight = 64;
  world.provider.mood.latency = 1s;
  for (int i = 0; i < 500; ++i)
    world.database.put(notes, std::to_string(i), std::to_string(i) + std::string(900, 'y'), world.now());
  world.start_worker();
  expect_all_true();
  EXPECT_LE(world.most_held_bytes, 256 * kKiB + 64 * kKiB);
}

}  // namespace
}  // namespace embedd::sim
