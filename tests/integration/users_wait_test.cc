// Users never wait for a worker, and a worker never for a user (G5): rows that are held, bulk updates in
// random order, tables that are locked.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <numeric>
#include <random>
#include <thread>

#include "support/impatient.h"
#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using std::chrono::steady_clock;

class LockedRows : public WorkerTest {
 protected:
  /// Of forty rows, twenty get a new text, and ten of these are held by a user while their vectors come.
  void are_not_waited_for(int held_seconds, int lease_seconds) {
    declare_docs();
    add_docs(40);
    Embedd worker = start_worker({{"EMBEDD_LEASE_SECONDS", std::to_string(lease_seconds)}});
    ASSERT_TRUE(wait_until_idle()) << worker.log();
    const std::uint64_t paid = provider.stats().inputs;
    provider.hold();
    sql("UPDATE docs SET body = 'new text of ' || slug WHERE substr(slug, 5)::int <= 20");
    ASSERT_TRUE(provider.wait_for([](const auto& stats) { return stats.held >= 1; })) << worker.log();
    Impatient holder(database), other(database);
    holder("BEGIN");
    holder("UPDATE docs SET views = 1 WHERE substr(slug, 5)::int <= 10");
    provider.release();

    const std::string kept = "SELECT count(*) FROM embedd.queue_1 WHERE kept IS NOT NULL";
    ASSERT_TRUE(eventually([&] { return number(kept) == 10 && jobs() == 10; })) << worker.log();
    EXPECT_EQ(number("SELECT count(*) FROM docs WHERE embedding IS NOT NULL"), 40);
    EXPECT_THAT(wrong_rows(kDocs),
                testing::AllOf(testing::HasSubstr("doc-10"), testing::Not(testing::HasSubstr("doc-11"))))
        << "the batch's other rows are stored meanwhile";

    // The users go on, in the transaction and beside it, and the worker with what they change.
    int round = 0, waiting_for_rows = 0;
    const auto held_long_enough = [&] {
      holder(fmt::format("UPDATE docs SET views = views + 1 WHERE slug = 'doc-{}'", 1 + round % 10));
      other(fmt::format("UPDATE docs SET body = 'round {}' WHERE slug = 'doc-{}'", round, 21 + round % 20));
      ++round;
      waiting_for_rows += static_cast<int>(number(kWaitingForRows));
      return number(kept + fmt::format(" AND kept_at < now() - interval '{} s'", held_seconds)) == 10;
    };
    ASSERT_TRUE(eventually(held_long_enough, seconds(held_seconds + 30))) << worker.log();
    EXPECT_EQ(waiting_for_rows, 0) << "the worker waited for a row";
    EXPECT_EQ(number(kept), 10);
    holder("COMMIT");
    ASSERT_TRUE(eventually([&] { return jobs() == 0; }, seconds(90))) << worker.log();
    EXPECT_EQ(wrong_docs(), "");
    for (int row = 1; row <= 20; ++row)
      EXPECT_EQ(provider.times_embedded(text_of(fmt::format("doc-{}", row))), 1u) << "row " << row;
    EXPECT_EQ(provider.stats().repeated_texts, 0u) << "nothing was bought again";
    EXPECT_LE(provider.stats().inputs, paid + 20 + static_cast<std::uint64_t>(round));
    EXPECT_EQ(holder.failure() + other.failure(), "") << "a user waited for two seconds";
    RecordProperty("users_longest_wait_ms", std::max(holder.longest_ms(), other.longest_ms()));
    fmt::print("users: {} statements, the longest took {} ms\n", holder.statements() + other.statements(),
               std::max(holder.longest_ms(), other.longest_ms()));
    EXPECT_EQ(worker.stop().code, 0);
  }

  static constexpr const char* kDocs =
      "SELECT slug, title || chr(10) || body, embedding FROM docs ORDER BY slug";
  /// Workers that wait for a row, or for the transaction that holds it.
  static constexpr const char* kWaitingForRows =
      "SELECT count(*) FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE NOT granted AND "
      "application_name = 'embedd worker' AND datname = current_database() AND "
      "locktype IN ('tuple', 'transactionid')";
};

TEST_F(LockedRows, AreNotWaitedForOverSeveralLeasesAndNotBoughtAgain) { are_not_waited_for(4, 1); }

class SlowLockedRows : public LockedRows {};

TEST_F(SlowLockedRows, AreNotWaitedForOverAMinuteAndNotBoughtAgain) { are_not_waited_for(60, 10); }

// ── Bulk updates

class BulkUpdates : public WorkerTest {
 protected:
  static constexpr int kOwners = 4, kOwned = 60;

  /// Transactions over rows of the user's own, so that any deadlock is embedd's doing.
  void own(int user) {
    Impatient act(database);
    std::mt19937 random(static_cast<unsigned>(user));
    std::vector<int> keys(kOwned);
    std::iota(keys.begin(), keys.end(), user * kOwned);
    // So that the one statement's rows are updated in the order in which they are named.
    for (const char* method : {"hashjoin", "mergejoin", "bitmapscan", "seqscan", "sort"})
      act(fmt::format("SET enable_{} = off", method));
    for (int round = 0; round < 25; ++round) {
      std::shuffle(keys.begin(), keys.end(), random);
      const std::string array = fmt::format("'{{{}}}'::int[]", fmt::join(keys, ","));
      act("BEGIN");
      if (round % 3 == 0)
        for (int i = 0; i < 20; ++i)
          act(fmt::format("UPDATE items SET body = 'step {} of user {}: ' || id WHERE id = {}", round, user,
                          keys[static_cast<std::size_t>(i)]));
      else if (round % 3 == 1)
        act(fmt::format(
            "UPDATE items i SET body = 'bulk {} of user {}: ' || i.id FROM unnest({}) AS named(id) "
            "WHERE i.id = named.id",
            round, user, array));
      else {
        act(fmt::format("DELETE FROM items WHERE id = ANY ({})", array));
        act(fmt::format(
            "INSERT INTO items SELECT id, 'insert {} of user {}: ' || id FROM unnest({}) AS named(id) "
            "ON CONFLICT DO NOTHING",
            round, user, array));
      }
      act("COMMIT");
    }
    note(act);
  }
  /// One row a transaction, anybody's.
  void roam(int user) {
    Impatient act(database);
    std::mt19937 random(100 + static_cast<unsigned>(user));
    while (owners_left > 0) {
      const auto id = random() % (kOwners * kOwned);
      act(fmt::format("UPDATE items SET body = 'roaming {}' WHERE id = {}", random() % 1000, id));
    }
    note(act);
  }
  void note(const Impatient& user) {
    const std::lock_guard lock(mutex_);
    failures += user.failure();
    statements += user.statements();
    longest_ms = std::max(longest_ms, user.longest_ms());
  }

  std::atomic<int> owners_left = kOwners;
  std::mutex mutex_;
  std::string failures;
  int statements = 0, longest_ms = 0;
};

TEST_F(BulkUpdates, InRandomOrderNeverDeadlockWithThreeWorkers) {
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  sql("CREATE TABLE items (id int PRIMARY KEY, body text, embedding vector(8))");
  ASSERT_EQ(run_embedd({"vectorizer", "create", "items", "--table", "items", "--text", "{body}", "--column",
                        "embedding"})
                .code,
            0);
  sql(fmt::format("INSERT INTO items SELECT i, 'item ' || i FROM generate_series(0, {}) i",
                  kOwners * kOwned - 1));
  std::vector<Embedd> workers;
  // Small claims and constant walks, so that the workers meet the users everywhere.
  for (int i = 0; i < 3; ++i)
    workers.push_back(start_worker({{"EMBEDD_CLAIM_ROWS", "23"}, {"EMBEDD_WALK_SECONDS", "1"}}));
  ASSERT_TRUE(wait_until_idle()) << workers[0].log();
  const std::uint64_t before = provider.stats().inputs;
  std::vector<std::thread> users;
  for (int i = 0; i < kOwners; ++i)
    users.emplace_back([this, i] {
      own(i);
      --owners_left;
    });
  for (int i = 0; i < 2; ++i) users.emplace_back([this, i] { roam(i); });
  for (std::thread& user : users) user.join();
  EXPECT_GT(provider.stats().inputs, before + 100) << "the workers were at it meanwhile";
  ASSERT_TRUE(wait_until_idle(seconds(120))) << workers[0].log();
  EXPECT_EQ(wrong_rows("SELECT id, body, embedding FROM items"), "");
  EXPECT_EQ(failures, "");
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
  fmt::print("users: {} statements, the longest took {} ms\n", statements, longest_ms);
}

// ── Locked tables

class LockedTables : public WorkerTest {
 protected:
  void SetUp() override { ASSERT_EQ(run_embedd({"migrate"}).code, 0); }
  void vectorize(const std::string& table) {
    sql(fmt::format("CREATE TABLE {} (id int PRIMARY KEY, body text, embedding vector(8))", table));
    ASSERT_EQ(run_embedd({"vectorizer", "create", table, "--table", table, "--text", "{body}", "--column",
                          "embedding"})
                  .code,
              0);
  }
  std::string wrong(const std::string& table) {
    return wrong_rows(fmt::format("SELECT id, body, embedding FROM {}", table));
  }

  /// What a look at the locks finds of workers who wait, and of users whom they keep waiting.
  struct Waits {
    double worker_ms = 0;  ///< longest that a worker was seen waiting for one lock
    double user_ms =
        0;  ///< longest that a user was seen waiting for one lock, with a worker among those before
    int looks = 0;
  };
  void look(pg::Connection& watcher, Waits& waits) {
    const pg::Rows rows = run(
        watcher,
        "SELECT coalesce(max(ms) FILTER (WHERE worker), 0), coalesce(max(ms) FILTER (WHERE NOT worker AND "
        "held_up), 0) "
        "FROM (SELECT extract(epoch FROM clock_timestamp() - waitstart) * 1000 AS ms, "
        "application_name = 'embedd worker' AS worker, EXISTS (SELECT FROM unnest(pg_blocking_pids(l.pid)) "
        "AS before "
        "JOIN pg_stat_activity b ON b.pid = before WHERE b.application_name = 'embedd worker') AS held_up "
        "FROM pg_locks l JOIN pg_stat_activity a USING (pid) "
        "WHERE NOT granted AND waitstart IS NOT NULL AND datname = current_database()) waiting");
    waits.worker_ms = std::max(waits.worker_ms, rows.number(0, 0));
    waits.user_ms = std::max(waits.user_ms, rows.number(0, 1));
    ++waits.looks;
  }
  /// 200 ms is the worker's lock timeout; the rest is for a machine that is busy with other tests.
  static constexpr double kNotLongMs = 1500;
};

TEST_F(LockedTables, DelayTheirOwnVectorizersOnly) {
  constexpr int kLocked = 5;
  for (int i = 0; i < kLocked; ++i) {
    vectorize(fmt::format("locked_{}", i));
    sql(fmt::format("INSERT INTO locked_{0} SELECT i, 'row ' || i || ' of {0}' FROM generate_series(1, 50) i",
                    i));
  }
  vectorize("free");
  pg::Connection migration = database.connect(), watcher = database.connect();
  run(migration, "BEGIN");
  for (int i = 0; i < kLocked; ++i)
    run(migration, fmt::format("LOCK TABLE locked_{} IN ACCESS EXCLUSIVE MODE", i));
  Embedd worker = start_worker({{"EMBEDD_WALK_SECONDS", "1"}});
  Waits waits;
  steady_clock::duration slowest{};
  // One row after the other: each is embedded while the others' tables are locked.
  for (int row = 1; row <= 20; ++row) {
    const auto began = steady_clock::now();
    sql(fmt::format("INSERT INTO free VALUES ({0}, 'free row {0}')", row));
    ASSERT_TRUE(eventually([&] {
      look(watcher, waits);
      return value(fmt::format("SELECT embedding IS NOT NULL FROM free WHERE id = {}", row)) == "t";
    })) << worker.log();
    // While it waited for the first it found out which tables are locked.
    if (row > 1) slowest = std::max(slowest, steady_clock::now() - began);
  }
  EXPECT_EQ(wrong("free"), "");
  EXPECT_LT(waits.worker_ms, kNotLongMs) << waits.looks << " looks";

  // Walks of the free one come to their end, too.
  ASSERT_TRUE(eventually([&] {
    return value("SELECT walked_at IS NOT NULL FROM embedd.vectorizers WHERE name = 'free'") == "t";
  })) << worker.log();
  run(migration, "COMMIT");
  for (int i = 0; i < kLocked; ++i)
    EXPECT_TRUE(eventually([&] { return wrong(fmt::format("locked_{}", i)).empty(); })) << worker.log();
  EXPECT_EQ(provider.stats().repeated_texts, 0u);
  fmt::print("the slowest row but the first took {} ms, a worker waited for {} ms at most, in {} looks\n",
             std::chrono::duration_cast<milliseconds>(slowest).count(), waits.worker_ms, waits.looks);
  EXPECT_EQ(worker.stop().code, 0);
}

TEST_F(LockedTables, LeaveTheWorkersMemoryToTheOthers) {
  ScriptedProvider big({.dimensions = 1536, .key = "sk-test-e2e"});
  environment["OPENAI_BASE_URL"] = big.base_url();
  for (const std::string table : {"notes", "free"}) {
    sql(fmt::format("CREATE TABLE {} (id int PRIMARY KEY, body text, embedding vector(1536))", table));
    ASSERT_EQ(run_embedd({"vectorizer", "create", table, "--table", table, "--text", "{body}", "--column",
                          "embedding"})
                  .code,
              0);
  }
  sql("INSERT INTO notes SELECT i, 'row ' || i FROM generate_series(1, 3000) i");
  big.hold();
  // What is in flight when the table is locked takes all the memory that there is for answers.
  Embedd worker = start_worker({{"EMBEDD_HELD_MIB", "4"}});
  ASSERT_TRUE(big.wait_for([](const auto& stats) { return stats.held >= 2; }, seconds(60))) << worker.log();
  pg::Connection migration = database.connect();
  run(migration, "BEGIN");
  run(migration, "LOCK TABLE notes IN ACCESS EXCLUSIVE MODE");
  big.release();
  sql("INSERT INTO free SELECT i, 'free row ' || i FROM generate_series(1, 300) i");
  EXPECT_TRUE(eventually([&] { return number("SELECT count(*) FROM free WHERE embedding IS NULL") == 0; }))
      << worker.log();
  EXPECT_TRUE(eventually([&] {
    return number("SELECT count(*) FROM embedd.queue_1 WHERE kept IS NOT NULL") > 0;
  })) << worker.log();
  EXPECT_EQ(worker.stop().code, 0) << "and it can leave without losing what it bought";
  run(migration, "COMMIT");
  // What was kept is due again some seconds later; --once would not wait for it.
  Embedd heir = start_worker();
  EXPECT_TRUE(eventually([&] { return number("SELECT count(*) FROM notes WHERE embedding IS NULL") == 0; },
                         seconds(120)))
      << heir.log();
  EXPECT_EQ(big.stats().repeated_texts, 0u);
}

TEST_F(LockedTables, AreNotQueuedForWhereOthersWouldWaitBehind) {
  vectorize("notes");
  vectorize("free");
  sql("INSERT INTO notes SELECT i, 'row ' || i FROM generate_series(1, 200) i");
  Embedd worker = start_worker({{"EMBEDD_WALK_SECONDS", "1"}});
  ASSERT_TRUE(wait_until_idle()) << worker.log();
  // A reader keeps its transaction open; a migration waits for it; whoever comes next waits behind that.
  pg::Connection reader = database.connect(), watcher = database.connect();
  provider.hold();
  sql("UPDATE notes SET body = body || '!' WHERE id <= 100");
  ASSERT_TRUE(provider.wait_for([](const auto& stats) { return stats.held >= 1; })) << worker.log();
  run(reader, "BEGIN");
  run(reader, "SELECT count(*) FROM notes");
  std::string failure;
  std::thread migration([&] {
    pg::Connection db = database.connect();
    if (auto altered = db.exec("ALTER TABLE notes ADD COLUMN extra int"); !altered)
      failure = altered.error().message;
  });
  EXPECT_TRUE(eventually([&] {
    return number(
               "SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' AND "
               "relation = "
               "'notes'::regclass") == 1;
  }));
  provider.release();
  Waits waits;
  for (int row = 1; row <= 10; ++row) {
    sql(fmt::format("INSERT INTO free VALUES ({0}, 'free row {0}')", row));
    EXPECT_TRUE(eventually([&] {
      look(watcher, waits);
      return value(fmt::format("SELECT embedding IS NOT NULL FROM free WHERE id = {}", row)) == "t";
    })) << worker.log();
  }
  run(reader, "COMMIT");
  migration.join();
  EXPECT_EQ(failure, "");
  EXPECT_LT(waits.worker_ms, kNotLongMs);
  EXPECT_LT(waits.user_ms, kNotLongMs) << "a user waited behind a worker";
  ASSERT_TRUE(wait_until_idle()) << worker.log();
  EXPECT_EQ(wrong("notes"), "");
  EXPECT_EQ(provider.stats().repeated_texts, 0u) << "what was bought for the locked table was kept";
  fmt::print("a worker waited for {} ms at most, a user behind a worker for {} ms, in {} looks\n",
             waits.worker_ms, waits.user_ms, waits.looks);
  EXPECT_EQ(worker.stop().code, 0);
}

}  // namespace
}  // namespace embedd::test
