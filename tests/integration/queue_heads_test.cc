// What an old snapshot does to a queue: entries of jobs that are done stay in its index, and are not to be
// passed over again and again. Counted by the server, not timed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/queue_fixture.h"

namespace embedd::test {
namespace {

using testing::Each;
using testing::IsEmpty;
using testing::SizeIs;

class QueueHeads : public testing::Test {
 protected:
  QueueHeads()
      : fixture_("CREATE TABLE docs (id bigint PRIMARY KEY, body text, embedding vector(3))",
                 {.name = "docs", .table = "docs", .text = "{body}", .column = "embedding"},
                 {.thorough_polls = true, .slow_reading = Duration{}}) {}

  /// Rows whose jobs have been due for an hour, one a millisecond, as if a transaction had taken so long.
  void enqueue(int first, int last, int priority = 0) {
    const std::initializer_list<pg::Param> range = {std::to_string(first), std::to_string(last)};
    run(fixture_.db(), "SET session_replication_role = replica");
    run(fixture_.db(),
        "INSERT INTO docs SELECT i, 'text ' || i FROM generate_series($1::bigint, $2::bigint) i", range);
    run(fixture_.db(),
        fmt::format(
            "INSERT INTO embedd.queue_1 (k1, priority, run_at) SELECT i, {}, now() - interval '1 h' + "
            "i * interval '1 ms' FROM generate_series($1::bigint, $2::bigint) i",
            priority),
        range);
    run(fixture_.db(), "RESET session_replication_role");
  }
  void poll() { fixture_.get_ready(fixture_.queue()); }

  /// Entries read from the index of what is due, by all sessions that have ended.
  std::int64_t entries_read() {
    run(fixture_.db(),
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND "
        "application_name = 'embedd worker'");
    run(fixture_.db(), "SELECT pg_stat_clear_snapshot()");
    return std::stoll(value_of(fixture_.db(),
                               "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = "
                               "'queue_1_priority_run_at_idx'"));
  }

  QueueFixture fixture_;
};

TEST_F(QueueHeads, UnderAnOldSnapshotClaimsDoNotPassOverWhatIsDone) {
  constexpr int kJobs = 3000, kClaim = 250;
  pg::Connection old = fixture_.connect();
  run(old, "BEGIN ISOLATION LEVEL REPEATABLE READ");
  run(old, "SELECT FROM docs");
  enqueue(1, kJobs);
  enqueue(kJobs + 1, 2 * kJobs, 1);
  poll();
  int done = 0;
  for (;;) {
    const std::vector<Job> jobs = fixture_.claim(kClaim);
    if (jobs.empty()) break;
    ASSERT_THAT(fixture_.complete(jobs), Each(Outcome::done));
    done += static_cast<int>(jobs.size());
  }
  EXPECT_EQ(done, 2 * kJobs);
  run(old, "COMMIT");
  // Each job once for its claim and once for the poll, which counts them. From the beginning, the claims
  // alone would read some 80,000.
  EXPECT_LT(entries_read(), 3 * 2 * kJobs);
}

TEST_F(QueueHeads, WhatCommitsLateIsClaimedAfterTheNextPoll) {
  for (const int priority : {0, 1}) {
    const int row = 10 * priority;
    enqueue(row + 5, row + 6, priority);
    poll();
    EXPECT_THAT(fixture_.claim(), SizeIs(2));
    enqueue(row + 1, row + 2, priority);
    EXPECT_THAT(fixture_.claim(), IsEmpty()) << "claims begin later than that";
    poll();
    EXPECT_THAT(fixture_.claim(), SizeIs(2));
  }
}

TEST_F(QueueHeads, WhatDidNotFitIsClaimedNext) {
  for (const int priority : {0, 1}) {
    const int row = 10 * priority;
    enqueue(row + 1, row + 5, priority);
    poll();
    queue::PgQueue& queue = fixture_.queue();
    queue.send_claim(
        {.vectorizer = 1, .lease = {1}, .lease_time = seconds(60), .max_rows = 100, .max_text_bytes = 21});
    EXPECT_THAT(*wait_for_one(queue, [&] { return queue.take_claims(); }).jobs, SizeIs(3))
        << "of 6 or 7 bytes each";
    EXPECT_THAT(fixture_.claim(), SizeIs(2));
  }
}

TEST_F(QueueHeads, WhatAnotherClaimHadLockedAndGaveBackIsClaimedAfterTheNextPoll) {
  enqueue(1, 4);
  poll();
  pg::Connection other = fixture_.connect();
  run(other, "BEGIN");
  run(other, "UPDATE embedd.queue_1 SET run_at = now() + interval '1 min' WHERE k1 <= 2");
  EXPECT_THAT(fixture_.claim(), SizeIs(2));
  run(other, "ROLLBACK");
  EXPECT_THAT(fixture_.claim(), IsEmpty());
  poll();
  EXPECT_THAT(fixture_.claim(), SizeIs(2));
}

}  // namespace
}  // namespace embedd::test
