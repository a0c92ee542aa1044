// A user's TRUNCATE holds his table for itself, and our trigger then cleans up behind it, while workers wait
// for that table: neither may wait for the other (G5).
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>
#include <thread>

#include "support/impatient.h"
#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

class Truncate : public WorkerTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(run_embedd({"migrate"}).code, 0);
    sql("CREATE TABLE items (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text, embedding "
        "vector(8))");
    ASSERT_EQ(run_embedd({"vectorizer", "create", "items", "--table", "items", "--text", "{body}", "--column",
                          "embedding"})
                  .code,
              0);
  }

  static std::string fill(int user, int round) {
    return fmt::format(
        "INSERT INTO items (body) SELECT 'row ' || i || ' of {} in {}' FROM generate_series(1, 40) i", user,
        round);
  }

  /// Each round empties the table and fills it again, in one transaction or in two.
  void empty_and_fill(int user, int rounds) {
    Impatient act(database);
    // Of a deadlock, whoever looks for it first is the victim: the user, if there is one.
    act("SET deadlock_timeout = '1ms'");
    for (int round = 0; round < rounds; ++round) {
      const bool at_once = round % 2 == 0;
      if (at_once) act("BEGIN");
      act("TRUNCATE items");
      act(fill(user, round));
      if (at_once) act("COMMIT");
      act(fmt::format("UPDATE items SET body = body || '!' WHERE id % 3 = {}", round % 3));
    }
    const std::lock_guard lock(mutex_);
    failures += act.failure();
    longest_ms = std::max(longest_ms, act.longest_ms());
  }

  std::mutex mutex_;
  std::string failures;
  int longest_ms = 0;
};

TEST_F(Truncate, IsNeverADeadlocksVictim) {
  constexpr int kUsers = 2, kRounds = 60;
  std::vector<Embedd> workers;
  // Small claims and constant walks, so that the workers meet the users everywhere.
  for (int i = 0; i < 2; ++i)
    workers.push_back(start_worker({{"EMBEDD_CLAIM_ROWS", "11"}, {"EMBEDD_WALK_SECONDS", "1"}}));
  ASSERT_TRUE(eventually([&] {
    return value("SELECT walked_at IS NOT NULL FROM embedd.vectorizers") == "t";
  })) << workers[0].log();
  std::vector<std::thread> users;
  for (int user = 0; user < kUsers; ++user)
    users.emplace_back([this, user] { empty_and_fill(user, kRounds); });
  for (std::thread& user : users) user.join();
  EXPECT_EQ(failures, "");
  EXPECT_GT(provider.stats().inputs, 100U) << "the workers were at it meanwhile";
  ASSERT_TRUE(wait_until_idle(seconds(120))) << workers[0].log();
  EXPECT_EQ(wrong_rows("SELECT id, body, embedding FROM items"), "");
  EXPECT_EQ(dead_letters(), 0);
  for (Embedd& worker : workers) {
    EXPECT_EQ(worker.stop().code, 0);
    EXPECT_THAT(worker.log(), testing::Not(testing::HasSubstr("deadlock")));
  }
  // Sessions report what they saw when they end.
  ASSERT_TRUE(eventually([&] {
    return number(
               "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
               "pg_backend_pid() AND application_name NOT LIKE 'embedd worker%'") <= 1;
  }));
  EXPECT_EQ(value("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"), "0");
  RecordProperty("users_longest_wait_ms", longest_ms);
  fmt::print("users: the longest statement took {} ms\n", longest_ms);
}

TEST_F(Truncate, AtRepeatableReadFailsForNothingThatAWorkerWrote) {
  sql(fill(0, 0));
  pg::Connection user = database.connect(), reader = database.connect();
  run(user, "BEGIN ISOLATION LEVEL REPEATABLE READ");
  run(user, "SELECT FROM items");
  ASSERT_EQ(work_once().code, 0);
  sql("UPDATE items SET body = body || '!'");
  sql("INSERT INTO embedd.dead_letters (vectorizer_id, key, kind, message) VALUES (1, '{\"id\": 1}', "
      "'rejected', 'm')");
  // Somebody who reads the proofs, as a dump of the schema does.
  run(reader, "BEGIN");
  run(reader, "LOCK TABLE embedd.ledger_1 IN ACCESS SHARE MODE");
  run(user, "TRUNCATE items");
  run(user, "COMMIT");
  run(reader, "COMMIT");

  // What it could not clear away, workers do, and a row that comes back under an old key is embedded.
  sql("INSERT INTO items OVERRIDING SYSTEM VALUE VALUES (3, 'back again')");
  sql("UPDATE embedd.vectorizers SET walked_at = NULL");
  sql("DELETE FROM embedd.dead_letters");
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(jobs(), 0);
  EXPECT_EQ(number("SELECT count(*) FROM embedd.ledger_1"), 1);
  EXPECT_EQ(wrong_rows("SELECT id, body, embedding FROM items"), "");
}

TEST_F(Truncate, LeavesTheRestOfALongQueueToTheWorkers) {
  sql("INSERT INTO items (body) SELECT 'row ' || i FROM generate_series(1, 21000) i");
  sql("TRUNCATE items");
  EXPECT_EQ(jobs(), 1000);
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(jobs(), 0);
  EXPECT_EQ(provider.stats().inputs, 0U);
}

}  // namespace
}  // namespace embedd::test
