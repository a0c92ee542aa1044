// Migrations of users' under a live vectorizer (G5): no ALTER TABLE is stopped, no write fails, and what
// could not be captured meanwhile is said and found again.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class AlteredTables : public WorkerTest {
 protected:
  std::string status() { return run_embedd({"status"}).output; }
  std::string missed() { return value("SELECT count(*) || ' ' || min(sqlstate) FROM embedd.missed_changes"); }
  /// Each kind of write, as a user makes it.
  void write(int round) {
    add_docs(1, fmt::format("round-{}", round));
    sql(fmt::format("UPDATE docs SET views = views + 1 WHERE slug = 'round-{}-1'", round));
    sql(fmt::format("DELETE FROM docs WHERE slug = 'round-{}-1'", round - 1));
  }
};

TEST_F(AlteredTables, ARenamedColumnFailsNoWriteAndIsReportedAndMadeUpFor) {
  declare_docs();
  add_docs(5);
  ASSERT_EQ(work_once().code, 0);
  sql("ALTER TABLE docs RENAME title TO heading");
  sql("INSERT INTO docs (slug, heading, body) VALUES ('new', 'a heading', 'a body')");
  sql("UPDATE docs SET heading = 'another heading' WHERE slug = 'doc-1'");
  sql("UPDATE docs SET body = 'another body' WHERE slug = 'doc-2'");
  sql("DELETE FROM docs WHERE slug = 'doc-3'");
  EXPECT_EQ(missed(), "1 42703") << "once, however many there are";
  const std::string problem =
      "\"public\".\"docs\" has no column title any more: give it its name back, or run: embedd "
      "vectorizer drop docs";
  EXPECT_THAT(status(), HasSubstr(problem));
  const Finished checked = run_embedd({"check"});
  EXPECT_EQ(checked.code, 1);
  EXPECT_THAT(checked.output, HasSubstr("FAIL capture of docs: " + problem));
  EXPECT_EQ(work_once().code, 3);

  sql("ALTER TABLE docs RENAME heading TO title");
  EXPECT_THAT(status(), HasSubstr("changes of \"public\".\"docs\" have been missed since"));
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(missed(), "NULL");
  EXPECT_EQ(number("SELECT count(*) FROM embedd.ledger_1"), number("SELECT count(*) FROM docs"));
  EXPECT_THAT(status(), Not(HasSubstr("missed")));
}

TEST_F(AlteredTables, AnyAlterTableGoesThroughAndWritesGoOn) {
  declare_docs();
  add_docs(20);
  Embedd worker = start_worker();
  ASSERT_TRUE(wait_until_idle()) << worker.log();
  const std::string role = database.name() + "_other";
  sql("CREATE ROLE " + role);
  sql("CREATE SCHEMA elsewhere");
  sql("CREATE TABLE parent (LIKE docs INCLUDING ALL)");
  const std::string steps[] = {
      "ALTER TABLE docs ADD COLUMN extra int DEFAULT 7",
      "ALTER TABLE docs ALTER extra TYPE bigint",
      "ALTER TABLE docs RENAME extra TO more",
      "ALTER TABLE docs DROP COLUMN more",
      "ALTER TABLE docs ALTER body TYPE varchar(10000)",
      "ALTER TABLE docs ALTER body SET STORAGE EXTERNAL",
      "ALTER TABLE docs ALTER slug TYPE varchar(100)",
      "ALTER TABLE docs ALTER slug TYPE text",
      "ALTER TABLE docs ALTER embedding SET STATISTICS 0",
      "ALTER TABLE docs RENAME TO documents",
      "ALTER TABLE documents RENAME TO docs",
      "ALTER TABLE docs SET SCHEMA elsewhere",
      "ALTER TABLE elsewhere.docs SET SCHEMA public",
      "ALTER TABLE docs REPLICA IDENTITY FULL",
      "ALTER TABLE docs SET UNLOGGED",
      "ALTER TABLE docs SET LOGGED",
      "ALTER TABLE docs SET (fillfactor = 80)",
      "ALTER TABLE docs ADD CHECK (views >= 0)",
      "ALTER TABLE docs CLUSTER ON docs_pkey",
      "ALTER TABLE docs RENAME CONSTRAINT docs_pkey TO docs_key",
      "ALTER TABLE docs RENAME title TO heading",
      "ALTER TABLE docs RENAME heading TO title",
      "ALTER TABLE docs ALTER embedding TYPE vector(8)",
      "ALTER TABLE docs OWNER TO " + role,
      "ALTER TABLE docs OWNER TO CURRENT_USER",
      "GRANT SELECT, UPDATE ON docs TO " + database.worker_role(),
  };
  int round = 1;
  for (const std::string& step : steps) {
    if (step.ends_with(" TO ")) continue;  // the worker is the owner
    sql(step);
    if (step.find("elsewhere") == std::string::npos &&
        step.find("RENAME TO documents") == std::string::npos && step.find("TO heading") == std::string::npos)
      write(++round);
  }
  sql("UPDATE docs SET body = body || '!' WHERE slug = 'doc-1'");
  // What a step may have kept from the triggers, the next walk finds.
  sql("UPDATE embedd.vectorizers SET walked_at = NULL");
  EXPECT_TRUE(eventually([&] { return all_right() && jobs() == 0; })) << wrong_docs() << worker.log();
  EXPECT_EQ(worker.stop().code, 0);
  sql("DROP ROLE " + role);
}

TEST_F(AlteredTables, ColumnsThatAreReadCanBeDroppedWithoutCascade) {
  declare_docs();
  add_docs(3);
  ASSERT_EQ(work_once().code, 0);
  sql("ALTER TABLE docs DROP COLUMN title");
  sql("INSERT INTO docs (slug, body) VALUES ('new', 'a body')");
  sql("UPDATE docs SET body = 'b'");
  EXPECT_THAT(status(), HasSubstr("has no column title any more"));
  sql("ALTER TABLE docs DROP COLUMN embedding");
  sql("INSERT INTO docs (slug, body) VALUES ('newer', 'a body')");
  EXPECT_EQ(run_embedd({"vectorizer", "drop", "docs"}).code, 0);
  sql("INSERT INTO docs (slug, body) VALUES ('newest', 'a body')");
}

TEST_F(AlteredTables, AKeyThatGrowsIsCapturedWhereItsTypeStays) {
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  sql("CREATE TABLE notes (id varchar(4), n int, body text, embedding vector(8), PRIMARY KEY (id, n))");
  ASSERT_EQ(run_embedd({"vectorizer", "create", "notes", "--table", "notes", "--text", "{body}", "--column",
                        "embedding"})
                .code,
            0);
  sql("ALTER TABLE notes ALTER id TYPE varchar(40)");
  sql("INSERT INTO notes VALUES ('a longer key', 1, 'one')");
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_rows("SELECT id, body, embedding FROM notes"), "");
  sql("ALTER TABLE notes ALTER n TYPE bigint");
  sql("INSERT INTO notes VALUES ('b', 3000000000, 'two')");
  EXPECT_EQ(missed(), "1 42804");
  EXPECT_THAT(
      status(),
      HasSubstr("a key column of \"public\".\"notes\" has another type now: n (bigint, was integer)"));
  EXPECT_EQ(work_once().code, 3);
  ASSERT_EQ(run_embedd({"vectorizer", "drop", "notes"}).code, 0);
  ASSERT_EQ(run_embedd({"vectorizer", "create", "notes", "--table", "notes", "--text", "{body}", "--column",
                        "embedding"})
                .code,
            0);
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_rows("SELECT id, body, embedding FROM notes"), "");
}

/// A worker's write to a job after the user's snapshot was taken would be a serialization failure.
TEST_F(AlteredTables, ATransactionAtRepeatableReadIsNotFailedByAWorkersJobs) {
  declare_docs();
  add_docs(10);
  pg::Connection user = database.connect();
  for (const char* write :
       {"UPDATE docs SET body = 'new' WHERE slug = 'doc-1'", "DELETE FROM docs WHERE slug = 'doc-2'"}) {
    run(user, "BEGIN ISOLATION LEVEL REPEATABLE READ");
    run(user, "SELECT FROM docs");
    sql("UPDATE embedd.queue_1 SET attempt = attempt + 1");
    run(user, write);
    run(user, "COMMIT");
  }
  EXPECT_EQ(missed(), "1 40001");
  EXPECT_EQ(value("SELECT min(message) FROM embedd.missed_changes"), "");
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(number("SELECT count(*) FROM embedd.ledger_1"), 9);
}

/// A copy of the table alone, as pg_dump --table makes it, has no triggers, or some without all of their
/// schema.
TEST_F(AlteredTables, ACopyWithoutAllOfTheSchemaTakesWrites) {
  declare_docs();
  add_docs(2);
  sql("ALTER TABLE embedd.queue_1 RENAME TO queue_of_yore");
  pg::Connection user = database.connect();
  run(user, "BEGIN ISOLATION LEVEL REPEATABLE READ");
  run(user, "UPDATE docs SET body = 'new'");
  run(user, "COMMIT");
  sql("ALTER TABLE embedd.queue_of_yore RENAME TO queue_1");
  sql("DROP TABLE embedd.missed_changes");
  sql("ALTER TABLE docs RENAME title TO heading");
  sql("UPDATE docs SET body = 'newer'");
  sql("INSERT INTO docs (slug, body) VALUES ('new', 'a body')");
}

}  // namespace
}  // namespace embedd::test
