// Several workers on one queue: they share it, replace each other, and start at the same time.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

class Fleet : public WorkerTest {};

TEST_F(Fleet, TwoWorkersShareOneQueueAndPayForNoTextTwice) {
  declare_docs();
  add_docs(2000);
  provider.set_latency(milliseconds(30));
  provider.hold();
  const Environment limits{{"EMBEDD_MAX_IN_FLIGHT", "1"}, {"EMBEDD_CLAIM_ROWS", "100"}};
  Embedd one = start_worker(limits), other = start_worker(limits);
  // One request each: both are at work before either can have finished.
  ASSERT_TRUE(provider.wait_for([](const auto& stats) { return stats.held == 2; }, seconds(60)))
      << one.log() << other.log();
  provider.release();
  ASSERT_TRUE(wait_until_idle(seconds(120))) << one.log() << other.log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(provider.stats().inputs, 2000u);
  EXPECT_EQ(provider.stats().repeated_texts, 0u);

  const std::string embedded = "embedd_rows_embedded_total{vectorizer=\"docs\"}";
  EXPECT_TRUE(eventually([&] { return one.metric(embedded) + other.metric(embedded) == 2000; }))
      << one.metric(embedded) << " + " << other.metric(embedded);
  EXPECT_GT(one.metric(embedded), 0);
  EXPECT_GT(other.metric(embedded), 0);
  EXPECT_EQ(one.stop().code, 0);
  EXPECT_EQ(other.stop().code, 0);
}

class Killed : public WorkerTest {};

TEST_F(Killed, AWorkersJobsMoveOnWhenItsLeasesLapse) {
  declare_docs();
  add_docs(600);
  provider.hold();
  const Environment brief{{"EMBEDD_LEASE_SECONDS", "2"}};
  Embedd victim = start_worker(brief);
  ASSERT_TRUE(provider.wait_for([](const auto& stats) { return stats.held >= 2; }, seconds(60)))
      << victim.log();
  ASSERT_GT(leases(), 0);
  victim.signal(SIGKILL);
  EXPECT_EQ(victim.finish().code, 128 + SIGKILL);
  ASSERT_GT(leases(), 0) << "nobody gave them back";
  provider.release();
  // What was in flight at that moment is lost and bought again; there is no way to ask for it once more.
  const auto done = [](const auto& stats) { return stats.held == 0 && stats.in_flight == 0; };
  ASSERT_TRUE(provider.wait_for(done));
  const std::uint64_t lost = provider.stats().inputs;

  Embedd heir = start_worker(brief);
  ASSERT_TRUE(wait_until_idle()) << heir.log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_LE(provider.stats().repeated_texts, lost);
  EXPECT_GT(heir.metric("embedd_leases_rescued_total"), 0);
  EXPECT_EQ(heir.stop().code, 0);
}

TEST_F(Killed, AtRandomMomentsAgainAndAgainLosesNothing) {
  declare_docs();
  add_docs(1500);
  provider.set_latency(milliseconds(20));
  const Environment brief{
      {"EMBEDD_LEASE_SECONDS", "1"}, {"EMBEDD_CLAIM_ROWS", "64"}, {"EMBEDD_MAX_IN_FLIGHT", "2"}};
  for (int round = 1; round <= 6; ++round) {
    Embedd victim = start_worker(brief);
    const auto enough = [&](const auto& stats) {
      return stats.answered >= static_cast<std::uint64_t>(round * 2);
    };
    ASSERT_TRUE(provider.wait_for(enough, seconds(60))) << victim.log();
    victim.signal(SIGKILL);
    victim.finish();
  }
  Embedd last = start_worker(brief);
  ASSERT_TRUE(wait_until_idle()) << last.log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(dead_letters(), 0);
}

class Start : public WorkerTest {};

TEST_F(Start, TwentyWorkersAtOnceMigrateOnceAndEmbedEachRowOnce) {
  EMBEDD_NOT_ON(least_privilege, "a role that owns nothing cannot migrate");
  create_docs();
  add_docs(500);
  std::vector<Embedd> workers;
  for (int i = 0; i < 20; ++i) workers.push_back(start_worker());
  const auto all_beat = [&] {
    return value("SELECT to_regclass('embedd.workers') IS NOT NULL") == "t" &&
           number("SELECT count(*) FROM embedd.workers") == 20;
  };
  ASSERT_TRUE(eventually(all_beat, seconds(120))) << workers.front().log();
  int applied = 0;
  for (const Embedd& worker : workers) applied += worker.logged("\"event\":\"migration_applied\"");
  EXPECT_EQ(applied, number("SELECT count(*) FROM embedd.migrations"));

  create_vectorizer();
  EXPECT_TRUE(eventually([&] { return all_right(); }, seconds(120))) << wrong_docs();
  ASSERT_TRUE(wait_until_idle());
  EXPECT_EQ(provider.stats().inputs, 500u);
  EXPECT_EQ(provider.stats().repeated_texts, 0u);
  for (Embedd& worker : workers) EXPECT_TRUE(worker.running()) << worker.log();
  for (Embedd& worker : workers) worker.signal(SIGTERM);
  for (Embedd& worker : workers) EXPECT_EQ(worker.finish().code, 0);
  EXPECT_EQ(value("SELECT count(*) FROM embedd.workers"), "0") << "each took its heartbeat along";
}

}  // namespace
}  // namespace embedd::test
