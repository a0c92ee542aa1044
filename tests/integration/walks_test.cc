// When a walk over a table is put off, and how one that was left behind goes on.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/queue_fixture.h"
#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;

/// A table that was walked and has been left alone since, so that the next walk is put off.
class PutOff : public WorkerTest {
 protected:
  explicit PutOff(const PrivatePostgres* server = nullptr) : WorkerTest(server) {}
  void SetUp() override {
    if (number("SELECT current_setting('server_version_num')") < 150'000)
      GTEST_SKIP() << "this PostgreSQL's statistics may lose something";
    prepare();
    ASSERT_EQ(work_once().code, 0);
    ASSERT_TRUE(put_off_in_the_end());
  }
  virtual void prepare() {
    declare_docs();
    add_docs(5);
  }
  /// Whether the walk that is due an hour later takes place.
  bool walks() {
    sql("SELECT pg_stat_force_next_flush()");
    sql("UPDATE embedd.vectorizers SET walked_at = walked_at - interval '61 minutes', "
        "walk_put_off_at = walk_put_off_at - interval '61 minutes'");
    EXPECT_EQ(work_once().code, 0);
    return value(
               "SELECT walk_put_off_at IS NULL AND walked_at > now() - interval '10 minutes' "
               "FROM embedd.vectorizers") == "t";
  }
  /// What a worker wrote is counted when its sessions end, and those of a pool live on.
  bool put_off_in_the_end() {
    return eventually([&] { return !walks(); });
  }
  void as_a_restore(const std::string& statement) {
    sql("SET session_replication_role = replica");
    sql(statement);
    sql("RESET session_replication_role");
  }
};

TEST_F(PutOff, StatusSaysSoAndWhenTheTableWasWalked) {
  EXPECT_THAT(run_embedd({"status"}).output, HasSubstr("since nothing had happened to it"));
  EXPECT_THAT(run_embedd({"status", "--json"}).output, HasSubstr(R"("walk_put_off_at":"20)"));
  EXPECT_THAT(work_once().output, HasSubstr("none remains, by a walk through every row"));
}

TEST_F(PutOff, UntilSomethingIsWrittenBehindTheTriggers) {
  as_a_restore("UPDATE docs SET body = 'changed unseen' WHERE slug = 'doc-1'");
  ASSERT_NE(wrong_docs(), "");
  EXPECT_TRUE(walks());
  EXPECT_EQ(wrong_docs(), "");
}

TEST_F(PutOff, UntilTriggersWereDisabledForAChange) {
  sql("ALTER TABLE docs DISABLE TRIGGER USER");
  sql("UPDATE docs SET body = 'changed unseen' WHERE slug = 'doc-1'");
  sql("ALTER TABLE docs ENABLE TRIGGER USER");
  EXPECT_TRUE(walks());
  EXPECT_EQ(wrong_docs(), "");
}

TEST_F(PutOff, UntilAVectorIsReplacedBehindTheTriggers) {
  as_a_restore("UPDATE docs SET embedding = '[1,1,1,1,1,1,1,1]' WHERE slug = 'doc-1'");
  EXPECT_TRUE(walks());
  EXPECT_EQ(wrong_docs(), "");
}

TEST_F(PutOff, ButNotWhereNobodyWouldSeeWhatHappensNext) {
  sql("ALTER TABLE docs DISABLE TRIGGER USER");
  EXPECT_TRUE(walks());
  EXPECT_TRUE(walks()) << "each time";
  sql("ALTER TABLE docs ENABLE TRIGGER USER");
  EXPECT_TRUE(put_off_in_the_end());
  sql("DROP TRIGGER embedd_insert_1 ON docs");
  EXPECT_TRUE(walks());
}

TEST_F(PutOff, ButNotWhereStatisticsMayHaveLostSomething) {
  for (const char* loss :
       {"SELECT pg_stat_reset()", "SELECT pg_stat_reset_single_table_counters('docs'::regclass)",
        "SELECT pg_stat_reset_shared('bgwriter')"}) {
    sql(loss);
    EXPECT_TRUE(walks()) << loss;
    EXPECT_TRUE(put_off_in_the_end()) << loss;
  }
}

TEST_F(PutOff, ButNotWhereNothingIsCounted) {
  EMBEDD_NOT_ON(pgbouncer, "sessions of its pool are older than the setting");
  sql(fmt::format("ALTER DATABASE {} SET track_counts = off",
                  value("SELECT quote_ident(current_database())")));
  EXPECT_TRUE(walks());
  EXPECT_TRUE(walks()) << "each time";
}

TEST_F(PutOff, UntilTheFilesOrTheBooksAreOthers) {
  for (const char* change : {"VACUUM FULL docs", "DELETE FROM embedd.ledger_1 WHERE k1 = 'doc-1'"}) {
    sql(change);
    EXPECT_TRUE(walks()) << change;
    EXPECT_TRUE(put_off_in_the_end()) << change;
  }
  as_a_restore("TRUNCATE docs");
  EXPECT_TRUE(walks());
  EXPECT_EQ(value("SELECT count(*) FROM embedd.ledger_1"), "0");
}

TEST_F(PutOff, ForADayAtMost) {
  sql("UPDATE embedd.vectorizers SET walked_at = now() - interval '22 hours'");
  EXPECT_TRUE(walks()) << "the next one would be due after a day and more";
}

TEST_F(PutOff, ButNotWhereAConditionMaySaySomethingElseByNow) {
  sql("UPDATE embedd.vectorizers SET filter_sql = 't.views >= 0'");
  EXPECT_TRUE(walks());
  EXPECT_TRUE(walks()) << "each time";
}

TEST_F(PutOff, ButNotWhereChangesWereMissed) {
  sql("INSERT INTO embedd.missed_changes (vectorizer_id, sqlstate, message) VALUES (1, '42703', '')");
  EXPECT_TRUE(walks());
}

/// Rows in the parts of a table count for the table.
class PutOffParts : public PutOff {
 protected:
  void prepare() override {
    sql("CREATE EXTENSION vector");
    sql("CREATE TABLE parts (id bigint, day int, body text, embedding vector(8), PRIMARY KEY (id, day)) "
        "PARTITION BY LIST (day)");
    sql("CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1)");
    sql("CREATE TABLE parts_2 (LIKE parts)");
    ASSERT_EQ(run_embedd({"migrate"}).code, 0);
    ASSERT_EQ(run_embedd({"vectorizer", "create", "parts", "--table", "parts", "--text", "{body}", "--column",
                          "embedding"})
                  .code,
              0);
    sql("INSERT INTO parts SELECT i, 1, 'part ' || i FROM generate_series(1, 5) i");
  }
  std::string wrong() { return wrong_rows("SELECT id, body, embedding FROM parts"); }
};

TEST_F(PutOffParts, UntilSomethingHappensToAPartition) {
  as_a_restore("UPDATE parts_1 SET body = 'changed unseen' WHERE id = 1");
  EXPECT_TRUE(walks());
  EXPECT_EQ(wrong(), "");
  EXPECT_TRUE(put_off_in_the_end());
  sql("INSERT INTO parts_2 VALUES (9, 2, 'attached')");
  sql("ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES IN (2)");
  EXPECT_TRUE(walks());
  EXPECT_EQ(wrong(), "");
}

/// Its rows were written long ago, by the number of their transaction, and stand under keys with the same
/// texts.
TEST_F(PutOffParts, APartitionThatTakesTheKeysOfAnotherBringsNoVectorsAlong) {
  sql("CREATE TABLE parts_old (LIKE parts)");
  sql("INSERT INTO parts_old SELECT id, day, body, '[1,1,1,1,1,1,1,1]' FROM parts_1");
  const auto looks_new = [this] {
    return number(
        "SELECT count(*) FROM parts_old, embedd.vectorizers v "
        "WHERE v.proven_before IS NULL OR pg_catalog.age(parts_old.xmin) <= "
        "pg_catalog.age(v.proven_before::xid)");
  };
  do {
    sql("UPDATE embedd.vectorizers SET walked_at = NULL");
    ASSERT_TRUE(walks());
  } while (looks_new() > 0);
  EXPECT_EQ(wrong(), "");
  sql("ALTER TABLE parts DETACH PARTITION parts_1");
  sql("ALTER TABLE parts ATTACH PARTITION parts_old FOR VALUES IN (1)");
  EXPECT_TRUE(walks());
  EXPECT_EQ(wrong(), "");
}

struct OwnServer {
  PrivatePostgres server;
};
class PutOffOnAServerOfItsOwn : public OwnServer, public PutOff {
 protected:
  PutOffOnAServerOfItsOwn() : PutOff(&server) {}
};

TEST_F(PutOffOnAServerOfItsOwn, ButNotAfterACrashWhichLosesTheStatistics) {
  as_a_restore("UPDATE docs SET body = 'changed unseen' WHERE slug = 'doc-1'");
  server.restart("immediate");
  db = database.connect();
  EXPECT_TRUE(walks());
  EXPECT_EQ(wrong_docs(), "");
}

// ── Left behind

constexpr const char* kNotes = "CREATE TABLE notes (id bigint PRIMARY KEY, body text, embedding vector(3))";
const schema::VectorizerSpec kSpec{
    .name = "notes", .table = "notes", .text = "{body}", .column = "embedding"};

/// Blank rows, in which a walk finds nothing, for four pages of 500.
class LeftBehind : public testing::Test {
 protected:
  void SetUp() override {
    run(fixture.db(), "SET session_replication_role = replica");
    run(fixture.db(), "INSERT INTO notes SELECT i, '' FROM generate_series(1, 1800) i");
    run(fixture.db(), "RESET session_replication_role");
  }
  WalkPage::Progress page(queue::PgQueue& queue, const Key& cursor = {}) {
    queue.send_walk(fixture.id(), cursor);
    const auto page = wait_for_one(queue, [&] { return queue.take_walked(); });
    CHECK(page.progress.has_value(), "{}", page.progress.error().message);
    return *page.progress;
  }
  void a_minute_passes() {
    run(fixture.db(), "UPDATE embedd.vectorizers SET walk_until = walk_until - interval '1 minute'");
  }

  QueueFixture fixture{kNotes, kSpec, {.longest_page = Duration{1}}};  // so that pages do not grow
};

TEST_F(LeftBehind, WalksGoOnWhereTheirWorkerWas) {
  const auto first = page(fixture.queue());
  ASSERT_EQ(first.scanned, 500U);
  const auto second = page(fixture.queue(), first.next);
  ASSERT_FALSE(second.finished);
  const auto other = fixture.another_queue();
  EXPECT_TRUE(page(*other).finished) << "another worker walks";
  a_minute_passes();
  const auto third = page(*other);
  EXPECT_FALSE(third.finished);
  EXPECT_GT(third.next, first.next) << "what the first page has seen is not looked at again";
  EXPECT_TRUE(page(fixture.queue(), second.next).finished) << "who was away too long has lost the walk";
  Key cursor = third.next;
  for (int i = 0; i < 100; ++i) {
    const auto next = page(*other, cursor);
    cursor = next.next;
    if (next.finished) break;
  }
  EXPECT_EQ(value_of(fixture.db(),
                     "SELECT walked_at IS NOT NULL AND proven_before IS NOT NULL AND walk_cursor "
                     "IS NULL FROM embedd.vectorizers"),
            "t");
}

TEST_F(LeftBehind, WalksBeginAnewWhereChangesWereMissedSince) {
  const auto first = page(fixture.queue());
  (void)page(fixture.queue(), first.next);
  a_minute_passes();
  run(fixture.db(),
      "INSERT INTO embedd.missed_changes (vectorizer_id, sqlstate, message) VALUES (1, '42703', '')");
  const auto other = fixture.another_queue();
  EXPECT_EQ(page(*other).next, first.next);
}

TEST_F(LeftBehind, ACursorThatIsNoneIsNotFollowed) {
  const auto first = page(fixture.queue());
  (void)page(fixture.queue(), first.next);
  a_minute_passes();
  run(fixture.db(), "UPDATE embedd.vectorizers SET walk_cursor = '\\x00000009'");
  const auto other = fixture.another_queue();
  EXPECT_EQ(page(*other).next, first.next);
}

TEST_F(LeftBehind, RowsThatUsersLockedAreNotForgotten) {
  pg::Connection user = fixture.connect();
  run(user, "BEGIN");
  run(user, "UPDATE notes SET body = 'new' WHERE id = 3");
  run(fixture.db(), "SET session_replication_role = replica");
  run(fixture.db(), "UPDATE notes SET embedding = '[1,2,3]' WHERE id = 4");
  run(fixture.db(), "RESET session_replication_role");
  run(user, "UPDATE notes SET body = 'newer' WHERE id = 4");
  const auto first = page(fixture.queue());
  const auto second = page(fixture.queue(), first.next);
  ASSERT_FALSE(second.finished);
  a_minute_passes();
  const auto other = fixture.another_queue();
  auto next = page(*other);
  for (int i = 0; i < 100 && !next.finished; ++i) next = page(*other, next.next);
  EXPECT_EQ(
      value_of(fixture.db(), "SELECT walked_at < now() - interval '58 minutes' FROM embedd.vectorizers"), "t")
      << "it is due again soon";
  run(user, "ROLLBACK");
}

}  // namespace
}  // namespace embedd::test
