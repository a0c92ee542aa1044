// The database goes away under a running worker; and a pooler stands before it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;

class Outage : public OwnServer, public WorkerTest {
 protected:
  Outage() : WorkerTest(&server) {}
  void reconnect() { db = database.connect(); }
};

TEST_F(Outage, AServerThatCrashesMidRunCostsNoRowAndHardlyAnyToken) {
  declare_docs();
  add_docs(2000);
  provider.set_latency(milliseconds(40));
  constexpr std::uint64_t kClaimRows = 64;
  Embedd worker = start_worker({{"EMBEDD_CLAIM_ROWS", std::to_string(kClaimRows)},
                                {"EMBEDD_MAX_IN_FLIGHT", "2"},
                                {"EMBEDD_LEASE_SECONDS", "5"}});
  ASSERT_TRUE(provider.wait_for([](const auto& stats) { return stats.inputs >= 300; }, seconds(60)))
      << worker.log();
  server.stop("immediate");
  ASSERT_TRUE(worker.wait_for_log("\"event\":\"database_unavailable\"")) << worker.log();
  EXPECT_THAT(worker.get("/livez"), HasSubstr("alive"));
  // The first connection to notice says so at once. The others notice with their next statement.
  EXPECT_TRUE(eventually(
      [&] { return worker.get("/readyz").find("\"database\":\"failing\"") != std::string::npos; }));
  server.start();
  reconnect();
  ASSERT_TRUE(wait_until_idle(seconds(120))) << worker.log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(dead_letters(), 0);
  EXPECT_TRUE(worker.running());
  EXPECT_TRUE(
      eventually([&] { return worker.get("/readyz").find("\"status\":\"ready\"") != std::string::npos; }));
  // A worker keeps its answers over the outage and stores them afterwards. Only if the outage outlasts the
  // lease can rows that were held (in two requests, one batch ahead, and one claim under way) be claimed once
  // more.
  EXPECT_LE(provider.stats().repeated_texts, 4 * kClaimRows);
  EXPECT_EQ(worker.stop().code, 0);
}

TEST_F(Outage, AnswersThatArriveWhileTheServerIsDownAreKept) {
  declare_docs();
  add_docs(4);  // one request
  provider.hold();
  Embedd worker = start_worker();
  ASSERT_TRUE(provider.wait_for([](const auto& stats) { return stats.held > 0; }, seconds(60)))
      << worker.log();
  server.stop("immediate");
  provider.release();
  ASSERT_TRUE(provider.wait_for([](const auto& stats) { return stats.inputs >= 4; }, seconds(60)));
  server.start();
  reconnect();
  ASSERT_TRUE(wait_until_idle(seconds(120))) << worker.log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(provider.stats().repeated_texts, 0u);
}

TEST_F(Outage, AWorkerMayStartBeforeItsServer) {
  declare_docs();
  add_docs(10);
  server.stop();
  Embedd worker = start_worker();
  ASSERT_TRUE(worker.wait_for_log("\"event\":\"database_error\"")) << worker.log();
  EXPECT_TRUE(worker.running());
  server.start();
  reconnect();
  EXPECT_TRUE(wait_until_idle(seconds(120))) << worker.log();
  EXPECT_EQ(wrong_docs(), "");
}

TEST_F(Outage, AStreamOfTerminatedConnectionsLosesNothing) {
  declare_docs();
  add_docs(1500);
  provider.set_latency(milliseconds(20));
  Embedd worker = start_worker({{"EMBEDD_CLAIM_ROWS", "64"}, {"EMBEDD_LEASE_SECONDS", "2"}});
  int terminated = 0;
  const auto kill_one = [&] {
    terminated += static_cast<int>(
        number("SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
               "WHERE datname = current_database() AND application_name = 'embedd worker' LIMIT 1) x"));
    return terminated >= 15;
  };
  ASSERT_TRUE(eventually(kill_one)) << worker.log();
  ASSERT_TRUE(wait_until_idle(seconds(120))) << worker.log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(dead_letters(), 0);
  EXPECT_TRUE(worker.running());
}

class Idle : public WorkerTest {};

TEST_F(Idle, SessionsOutliveTheDatabasesTimeoutForThem) {
  EMBEDD_NOT_ON(pgbouncer, "the sessions are the pooler's");
  declare_docs();
  sql(fmt::format("ALTER DATABASE {} SET idle_session_timeout = '250ms'", database.name()));
  Embedd worker = start_worker({{"EMBEDD_POLL_SECONDS", "0.6"}});
  const std::string sessions =
      "SELECT count(*) || ': ' || string_agg(pid || ' since ' || backend_start, ', ' ORDER BY pid) "
      "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'embedd worker'";
  const auto polled_for = [&](const char* time) {
    return value(fmt::format("SELECT count(*) FROM embedd.workers WHERE seen_at > started_at + interval '{}'",
                             time)) == "1";
  };
  ASSERT_TRUE(eventually([&] { return polled_for("0.1 s"); })) << worker.log();
  const std::string before = value(sessions);
  EXPECT_TRUE(eventually([&] { return polled_for("3 s"); })) << worker.log();
  EXPECT_EQ(value(sessions), before);
  EXPECT_THAT(before, testing::StartsWith("2: "));
  EXPECT_EQ(worker.logged("database_unavailable"), 0) << worker.log();
}

class Pooled : public WorkerTest {
 protected:
  void SetUp() override {
    if (!PgBouncer::installed()) GTEST_SKIP() << "PgBouncer is not installed: apt-get install pgbouncer";
  }
};

TEST_F(Pooled, AWorkerLeavesNoTraceInTheSessionsItBorrows) {
  declare_docs();
  add_docs(100);
  const PgBouncer pgbouncer(database, 1);
  const Finished run_once = work_once({{"DATABASE_URL", pgbouncer.url()}});
  EXPECT_EQ(run_once.code, 0) << run_once.error_output;
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_THAT(run_once.error_output, HasSubstr("\"pooled\":true"));

  // The one session there is, as the next client finds it.
  auto next = pg::Connection::open(Secret(pgbouncer.url()));
  ASSERT_TRUE(next) << next.error().message;
  for (const char* setting : {"lock_timeout", "statement_timeout", "jit", "plan_cache_mode", "search_path",
                              "default_transaction_isolation"})
    EXPECT_EQ(value_of(*next, fmt::format("SHOW {}", setting)), value(fmt::format("SHOW {}", setting)))
        << setting;
  EXPECT_EQ(value_of(*next, "SELECT count(*) FROM pg_prepared_statements"), "0");
  EXPECT_EQ(value_of(*next, "SELECT count(*) FROM pg_listening_channels()"), "0");
  EXPECT_EQ(
      value_of(*next, "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"),
      "0");
}

}  // namespace
}  // namespace embedd::test
