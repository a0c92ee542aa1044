// Tables that are dropped, restored, attached or given triggers after their vectorizer was made: what goes on
// by itself, and what a person is told.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ChangedTables : public WorkerTest {
 protected:
  std::string status() { return run_embedd({"status"}).output; }
  std::string check() { return run_embedd({"check"}).output; }
  void vectorize(const std::string& name, const std::string& table) {
    const Finished made = run_embedd(
        {"vectorizer", "create", name, "--table", table, "--text", "{body}", "--column", "embedding"});
    ASSERT_EQ(made.code, 0) << made.error_output;
  }
  /// As `pg_dump --clean --table docs | psql` does, but for the vectors of some rows, which the dump did not
  /// have yet.
  void dump_and_restore_docs() {
    const pg::Rows triggers = run(db,
                                  "SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE tgrelid = "
                                  "'docs'::regclass AND NOT tgisinternal");
    const pg::Rows grants =
        run(db,
            "SELECT format('GRANT SELECT, UPDATE ON docs TO %I', grantee) FROM "
            "information_schema.role_table_grants WHERE table_name = 'docs' AND privilege_type = 'SELECT'");
    sql("CREATE TABLE dumped AS SELECT * FROM docs");
    sql("DROP TABLE docs");
    create_docs();
    sql("INSERT INTO docs SELECT * FROM dumped");
    sql("UPDATE docs SET embedding = NULL WHERE slug IN ('doc-3', 'doc-5')");
    for (int i = 0; i < triggers.size(); ++i) sql(triggers.text(i, 0));
    for (int i = 0; i < grants.size(); ++i) sql(grants.text(i, 0));
  }
};

TEST_F(ChangedTables, ATableRestoredFromADumpIsTakenUp) {
  declare_docs();
  add_docs(20);
  ASSERT_EQ(work_once().code, 0);
  dump_and_restore_docs();
  add_docs(2, "new");
  EXPECT_THAT(status(), AllOf(HasSubstr("docs  "), Not(HasSubstr("broken"))));
  EXPECT_THAT(check(), Not(HasSubstr("FAIL capture")));
  const Finished run = work_once();
  EXPECT_EQ(run.code, 0) << run.error_output;
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_LE(provider.stats().inputs, 24u) << "what has its vector is not bought again";
  EXPECT_EQ(value("SELECT source = 'docs'::regclass FROM embedd.vectorizers"), "t");
  EXPECT_EQ(run_embedd({"vectorizer", "drop", "docs"}).code, 0);
  add_docs(1, "after");
}

TEST_F(ChangedTables, ARunningWorkerTakesUpARestoredTable) {
  declare_docs();
  add_docs(20);
  Embedd worker = start_worker();
  ASSERT_TRUE(eventually([&] { return all_right(); })) << worker.log();
  dump_and_restore_docs();
  add_docs(2, "new");
  EXPECT_TRUE(eventually([&] { return all_right(); })) << worker.log();
  EXPECT_EQ(worker.stop().code, 0);
}

TEST_F(ChangedTables, ATableMadeAnewWithoutTriggersIsReportedAndWhatIsSaidHelps) {
  declare_docs();
  add_docs(5);
  ASSERT_EQ(work_once().code, 0);
  sql("DROP TABLE docs");
  create_docs();
  add_docs(5, "new");
  const Finished once = work_once();
  EXPECT_EQ(once.code, 3) << once.error_output;
  EXPECT_THAT(once.output, HasSubstr("rows remain"));
  EXPECT_THAT(status(),
              HasSubstr("\"public\".\"docs\" was dropped and made anew, without embedd's triggers; run: "
                        "embedd vectorizer drop docs, and create it again"));
  const Finished checked = run_embedd({"check"});
  EXPECT_EQ(checked.code, 1);
  EXPECT_THAT(checked.output,
              HasSubstr("FAIL capture of docs: \"public\".\"docs\" was dropped and made anew"));

  ASSERT_EQ(run_embedd({"vectorizer", "drop", "docs"}).code, 0);
  create_vectorizer();
  EXPECT_EQ(run_embedd({"check"}).code, 0);
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_docs(), "");
}

TEST_F(ChangedTables, ATableThatIsGoneIsReported) {
  declare_docs();
  sql("DROP TABLE docs");
  EXPECT_EQ(work_once().code, 3);
  EXPECT_THAT(status(), HasSubstr("\"public\".\"docs\" is gone; remove the vectorizer"));
  EXPECT_THAT(check(), HasSubstr("FAIL capture of docs: \"public\".\"docs\" is gone"));
  EXPECT_EQ(run_embedd({"vectorizer", "drop", "docs"}).code, 0);
  EXPECT_EQ(work_once().code, 0);
}

TEST_F(ChangedTables, TriggersThatAreMissingOrDisabledAreReported) {
  declare_docs();
  sql("ALTER TABLE docs DISABLE TRIGGER embedd_insert_1");
  EXPECT_THAT(check(), HasSubstr("are disabled; run: ALTER TABLE"));
  sql("ALTER TABLE docs ENABLE TRIGGER USER");
  EXPECT_EQ(run_embedd({"check"}).code, 0);
  sql("DROP TRIGGER embedd_delete_1 ON docs");
  EXPECT_THAT(check(), HasSubstr("triggers are missing"));
}

TEST_F(ChangedTables, ABeforeUpdateTriggerThatCameLaterIsFollowed) {
  declare_docs();
  add_docs(3);
  ASSERT_EQ(work_once().code, 0);
  sql("CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "
      "new.title := upper(new.title); RETURN new; END$$");
  sql("CREATE TRIGGER shouting BEFORE UPDATE ON docs FOR EACH ROW EXECUTE FUNCTION shout()");
  EXPECT_THAT(check(), Not(HasSubstr("note capture")));
  sql("UPDATE docs SET views = 1");
  EXPECT_EQ(jobs(), 3);
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_docs(), "");
}

TEST_F(ChangedTables, APartitionsRowsAreSeenWhicheverTableIsWrittenTo) {
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  sql("CREATE TABLE notes (id bigint, day int, body text, embedding vector(8), PRIMARY KEY (id, day)) "
      "PARTITION BY LIST (day)");
  sql("CREATE TABLE notes_1 PARTITION OF notes FOR VALUES IN (1)");
  vectorize("first", "notes_1");
  sql("INSERT INTO notes SELECT i, 1, 'note ' || i FROM generate_series(1, 10) i");
  EXPECT_EQ(jobs(), 10);
  sql("UPDATE notes SET body = 'changed' WHERE id = 3");
  sql("DELETE FROM notes WHERE id = 4");
  EXPECT_EQ(jobs(), 9);
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_rows("SELECT id, body, embedding FROM notes"), "");
  sql("TRUNCATE notes");
  EXPECT_EQ(number("SELECT count(*) FROM embedd.ledger_1"), 0);
}

TEST_F(ChangedTables, ATableThatBecomesAPartitionIsPointedOut) {
  EMBEDD_NOT_ON(row_triggers, "they see what is written to the parent");
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  sql("CREATE TABLE notes_1 (id bigint, day int, body text, embedding vector(8), PRIMARY KEY (id, day))");
  vectorize("first", "notes_1");
  EXPECT_EQ(run_embedd({"check"}).code, 0);
  sql("CREATE TABLE notes (LIKE notes_1 INCLUDING ALL) PARTITION BY LIST (day)");
  sql("ALTER TABLE notes ATTACH PARTITION notes_1 FOR VALUES IN (1)");
  EXPECT_THAT(check(), HasSubstr("note capture of first: \"public\".\"notes_1\" became a partition"));
  ASSERT_EQ(run_embedd({"vectorizer", "drop", "first"}).code, 0);
  vectorize("first", "notes_1");
  EXPECT_THAT(check(), Not(HasSubstr("note capture")));
}

TEST_F(ChangedTables, OfTablesThatInheritTheHeirsAreVectorizedAndNotTheParent) {
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  sql("CREATE TABLE parent (id bigint PRIMARY KEY, body text, embedding vector(8))");
  sql("CREATE TABLE heir (PRIMARY KEY (id)) INHERITS (parent)");
  const Finished refused = run_embedd(
      {"vectorizer", "create", "parent", "--table", "parent", "--text", "{body}", "--column", "embedding"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.error_output,
              HasSubstr("other tables inherit from parent (heir); make a vectorizer for each"));
  vectorize("heir", "heir");
  sql("INSERT INTO heir VALUES (1, 'a'), (2, 'b'), (3, 'c')");
  sql("UPDATE parent SET body = 'changed' WHERE id = 1");
  sql("DELETE FROM parent WHERE id = 2");
  EXPECT_EQ(jobs(), 2);
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_rows("SELECT id, body, embedding FROM heir"), "");
}

}  // namespace
}  // namespace embedd::test
