// The queue's statements look rows up by index however long the tables are and whatever the statistics say:
// counted by the server, not read off a plan.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/queue_fixture.h"

namespace embedd::test {
namespace {

using testing::Each;

constexpr int kRows = 50'000;

class QueuePlans : public testing::Test {
 protected:
  QueuePlans()
      : fixture_("CREATE TABLE docs (id bigint PRIMARY KEY, body text, embedding vector(3))",
                 {.name = "docs", .table = "docs", .text = "{body}", .column = "embedding"}) {}

  /// Rows read by sequential scans and rows fetched by index, of the source, the queue and the ledger, by all
  /// sessions so far.
  struct Reads {
    std::int64_t scanned = 0;
    std::int64_t fetched = 0;
  };
  Reads reads() {
    // Backends report once a second at most, unless asked to; a new connection's own numbers are not among
    // these.
    const pg::Rows rows =
        run(fixture_.db(),
            "SELECT sum(seq_tup_read), sum(idx_tup_fetch) FROM pg_stat_user_tables WHERE relname IN "
            "('docs', 'queue_1', 'ledger_1')");
    return {rows.integer(0, 0), rows.integer(0, 1)};
  }

  void fill() {
    run(fixture_.db(), "SET session_replication_role = replica");
    run(fixture_.db(), "INSERT INTO docs SELECT i, 'text ' || i FROM generate_series(1, $1) i",
        {std::to_string(kRows)});
    run(fixture_.db(),
        "INSERT INTO embedd.queue_1 (k1, priority) SELECT i, i % 2 FROM generate_series(1, $1) i",
        {std::to_string(kRows)});
    run(fixture_.db(), "RESET session_replication_role");
  }

  /// Claims and completes batches; then everything that other actions do.
  void work() {
    for (int batch = 0; batch < 10; ++batch) {
      const std::vector<Job> jobs = fixture_.claim(200);
      ASSERT_EQ(jobs.size(), 200U);
      ASSERT_THAT(fixture_.complete(jobs), Each(Outcome::done));
    }
    // No row of these has what drop looks for, and drop looks all the same.
    ASSERT_THAT(fixture_.settle(fixture_.settlement(Action::drop, fixture_.claim(200))),
                Each(Outcome::stale));
    for (const Action action : {Action::reschedule, Action::discard, Action::extend})
      ASSERT_THAT(fixture_.settle(fixture_.settlement(action, fixture_.claim(200))), Each(Outcome::done));
  }

  /// work() on a second queue whose destructor makes its backends report; what it read.
  Reads reads_of_work() {
    run(fixture_.db(), "SELECT pg_stat_force_next_flush()");
    const Reads before = reads();
    work();
    run(fixture_.db(),
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE datname = current_database() AND application_name = 'embedd worker'");
    run(fixture_.db(), "SELECT pg_stat_clear_snapshot()");
    const Reads after = reads();
    return {after.scanned - before.scanned, after.fetched - before.fetched};
  }

  QueueFixture fixture_;
};

TEST_F(QueuePlans, UseTheIndexesWithoutStatistics) {
  fill();
  const Reads read = reads_of_work();
  EXPECT_EQ(read.scanned, 0);
  EXPECT_GT(read.fetched, 14 * 200);
  EXPECT_LT(read.fetched, 14 * 200 * 8);
}

TEST_F(QueuePlans, UseTheIndexesWithStatistics) {
  fill();
  run(fixture_.db(), "VACUUM ANALYZE docs");
  run(fixture_.db(), "VACUUM ANALYZE embedd.queue_1");
  const Reads read = reads_of_work();
  EXPECT_EQ(read.scanned, 0);
  EXPECT_GT(read.fetched, 14 * 200);
  EXPECT_LT(read.fetched, 14 * 200 * 8);
}

/// Vacuum, which could remove nothing, has counted pages without a row: the planner expects none in any page.
TEST_F(QueuePlans, UseTheIndexesWhereAnOldSnapshotHadTheStatisticsSayThatNothingIsThere) {
  pg::Connection old = fixture_.connect();
  run(old, "BEGIN ISOLATION LEVEL REPEATABLE READ");
  run(old, "SELECT FROM docs");
  fill();
  run(fixture_.db(), "SET session_replication_role = replica");
  for (const char* table : {"docs", "embedd.queue_1"})
    run(fixture_.db(), std::string("DELETE FROM ") + table);
  for (const char* table : {"docs", "embedd.queue_1"})
    run(fixture_.db(), std::string("VACUUM ANALYZE ") + table);
  ASSERT_EQ(value_of(fixture_.db(),
                     "SELECT relpages > 100 AND reltuples = 0 FROM pg_class WHERE relname = 'queue_1'"),
            "t");
  fill();
  const Reads read = reads_of_work();
  EXPECT_EQ(read.scanned, 0);
  EXPECT_LT(read.fetched, 14 * 200 * 8);
}

TEST_F(QueuePlans, RecoverWithTheNextPollFromPlansMadeForEmptyTables) {
  run(fixture_.db(), "VACUUM ANALYZE docs");
  run(fixture_.db(), "VACUUM ANALYZE embedd.queue_1");
  run(fixture_.db(), "VACUUM ANALYZE embedd.ledger_1");
  run(fixture_.db(), "INSERT INTO docs VALUES (0, 'text')");
  EXPECT_THAT(fixture_.complete(fixture_.claim()), Each(Outcome::done));
  fill();
  fixture_.get_ready(fixture_.queue());
  const Reads read = reads_of_work();
  EXPECT_LT(read.scanned, 10'100);  // the poll's own bounded count, and the almost empty tables before
  EXPECT_LT(read.fetched, 14 * 200 * 8 + 20'000);
}

}  // namespace
}  // namespace embedd::test
