// Tables of shapes that real schemas have: what has no triggers, columns that are made by the database,
// partitions that come and go, policies, tables that move, and vectors of up to 16,000 dimensions.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Shapes : public WorkerTest {
 protected:
  void SetUp() override { ASSERT_EQ(run_embedd({"migrate"}).code, 0); }

  Finished declare(const std::string& table, const std::string& text,
                   const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"vectorizer", "create", "notes",    "--table",  table,
                                       "--text",     text,     "--column", "embedding"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_embedd(arguments);
  }
  void vectorize(const std::string& table, const std::string& text,
                 const std::vector<std::string>& more = {}) {
    const Finished made = declare(table, text, more);
    ASSERT_EQ(made.code, 0) << made.error_output;
  }
  std::string refusal(const std::string& table, const std::string& text,
                      const std::vector<std::string>& more = {}) {
    const Finished made = declare(table, text, more);
    EXPECT_EQ(made.code, 2) << made.error_output;
    return made.error_output;
  }
  std::string check() { return run_embedd({"check"}).output; }
};

// ── What has no triggers

TEST_F(Shapes, WithoutTriggersAreRefusedWithAWayOut) {
  sql("CREATE TABLE notes (id int PRIMARY KEY, title text, embedding vector(8))");
  sql("CREATE VIEW seen AS SELECT * FROM notes");
  sql("CREATE MATERIALIZED VIEW kept AS SELECT * FROM notes");
  sql("CREATE FOREIGN DATA WRAPPER nowhere");
  sql("CREATE SERVER elsewhere FOREIGN DATA WRAPPER nowhere");
  sql("CREATE FOREIGN TABLE theirs (id int, title text, embedding vector(8)) SERVER elsewhere");
  sql("CREATE SEQUENCE counter");
  sql("CREATE TABLE keyless (title text, embedding vector(8))");
  EXPECT_THAT(
      refusal("seen", "{title}"),
      HasSubstr(
          "seen is a view, whose changes no trigger sees: name the table that it reads with --table, and "
          "its condition with --where"));
  EXPECT_THAT(refusal("kept", "{title}"),
              AllOf(HasSubstr("kept is a materialized view"), HasSubstr("or keep its rows in a table")));
  EXPECT_THAT(refusal("theirs", "{title}"), AllOf(HasSubstr("theirs is a foreign table"),
                                                  HasSubstr("in the database that holds its rows")));
  EXPECT_THAT(refusal("counter", "{title}"), HasSubstr("counter is not a table; name one with --table"));
  EXPECT_THAT(refusal("keyless", "{title}"),
              HasSubstr("has no primary key; add one, or name not-null columns with a "
                        "unique index: --key COLUMN"));
  sql("ALTER TABLE keyless ALTER title SET NOT NULL, ADD UNIQUE (title)");
  vectorize("keyless", "{title}", {"--key", "title"});
}

// ── Columns that the database makes

TEST_F(Shapes, OfIdentityAndGeneratedColumnsAreFollowed) {
  sql("CREATE TABLE notes (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text, meta jsonb, "
      "label text GENERATED ALWAYS AS (upper(title) || coalesce(' by ' || (meta->>'by'), '')) STORED, "
      "embedding vector(8))");
  vectorize("notes", "#{id} {label}");
  sql("INSERT INTO notes (title, meta) VALUES ('one', '{\"by\": \"me\"}'), ('two', NULL)");
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(provider.times_embedded("#1 ONE by me"), 1u);
  EXPECT_EQ(provider.times_embedded("#2 TWO"), 1u);
  sql("UPDATE notes SET meta = '{\"by\": \"you\"}' WHERE id = 1");
  sql("UPDATE notes SET meta = '{\"views\": 1}' WHERE id = 2");
  EXPECT_EQ(jobs(), 1) << "what the second one is made of changed, but it did not";
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(provider.times_embedded("#1 ONE by you"), 1u);
  EXPECT_EQ(wrong_rows("SELECT id, '#' || id || ' ' || label, embedding FROM notes"), "");
}

/// PostgreSQL 18 has columns that are computed when they are read; triggers see NULL in them. Here the
/// catalog alone says that a column is one.
TEST_F(Shapes, OfColumnsThatAreComputedWhenReadAreRefused) {
  sql("CREATE TABLE notes (id int PRIMARY KEY, title text, label text GENERATED ALWAYS AS (upper(title)) "
      "STORED, "
      "embedding vector(8))");
  sql("UPDATE pg_attribute SET attgenerated = 'v' WHERE attrelid = 'notes'::regclass AND attname = 'label'");
  EXPECT_THAT(
      refusal("notes", "{?label}{label}{/}{title}"),
      HasSubstr(
          "the template reads 'label', a VIRTUAL generated column, whose changes no trigger sees: name the "
          "columns that it is made of instead"));
  EXPECT_THAT(refusal("notes", "{title}", {"--where", "label <> 'X'"}), HasSubstr("--where reads 'label'"));
  vectorize("notes", "{title}");
}

// ── Partitions

TEST_F(Shapes, OfPartitionsThatComeAndGoAreFollowedByARunningWorker) {
  sql("CREATE TABLE notes (id bigint, day int, body text, embedding vector(8), PRIMARY KEY (id, day)) "
      "PARTITION BY LIST (day)");
  sql("CREATE TABLE notes_1 PARTITION OF notes FOR VALUES IN (1)");
  sql("CREATE TABLE notes_2 (LIKE notes)");
  sql("INSERT INTO notes_2 SELECT i, 2, 'from before ' || i FROM generate_series(1, 20) i");
  vectorize("notes", "{body}");
  sql("INSERT INTO notes SELECT i, 1, 'note ' || i FROM generate_series(1, 20) i");
  Embedd worker = start_worker({{"EMBEDD_WALK_SECONDS", "1"}});
  const auto right = [&] {
    return jobs() == 0 && wrong_rows("SELECT id, body, embedding FROM notes").empty();
  };
  ASSERT_TRUE(eventually(right)) << worker.log();

  sql("ALTER TABLE notes ATTACH PARTITION notes_2 FOR VALUES IN (2)");
  ASSERT_TRUE(eventually(right)) << "rows that came along: " << worker.log();
  sql("UPDATE notes_2 SET body = 'changed' WHERE id = 3");
  sql("INSERT INTO notes VALUES (21, 2, 'new')");
  ASSERT_TRUE(eventually(right)) << worker.log();
  EXPECT_EQ(provider.stats().inputs, 42u);

  sql("ALTER TABLE notes DETACH PARTITION notes_1");
  sql("UPDATE notes_1 SET body = 'nobody looks' WHERE id = 1");
  sql("DELETE FROM notes_1 WHERE id = 2");
  EXPECT_EQ(jobs(), 0);
  EXPECT_EQ(number("SELECT count(*) FROM notes_1 WHERE embedding IS NULL"), 0) << "it keeps its vectors";
  ASSERT_TRUE(eventually([&] { return number("SELECT count(*) FROM embedd.ledger_1") == 21; }))
      << worker.log();

  sql("ALTER TABLE notes ATTACH PARTITION notes_1 FOR VALUES IN (1)");
  ASSERT_TRUE(eventually(right)) << worker.log();
  sql("DROP TABLE notes_2");
  ASSERT_TRUE(eventually([&] { return number("SELECT count(*) FROM embedd.ledger_1") == 19; }))
      << worker.log();
  EXPECT_EQ(worker.stop().code, 0);
  EXPECT_THAT(check(), Not(HasSubstr("capture of")));
}

// ── Policies

TEST_F(Shapes, OfWhichAPolicyHidesRowsFromWorkersAreNamedToAnAdministrator) {
  sql("CREATE TABLE notes (id int PRIMARY KEY, body text, embedding vector(8))");
  vectorize("notes", "{body}");
  const std::string role = database.name() + "_blind";
  sql("CREATE ROLE " + role);
  run(db, "DO $do$BEGIN " + run_embedd({"grants", role}).output + " END$do$");
  EXPECT_THAT(check(), Not(HasSubstr("row-level security")));
  sql("ALTER TABLE notes ENABLE ROW LEVEL SECURITY");
  EXPECT_THAT(check(), HasSubstr(fmt::format(
                           "note privileges: row-level security may hide rows of notes from the role "
                           "{0}, if workers run as it: as an administrator, run ALTER ROLE {0} "
                           "BYPASSRLS",
                           role)));
  sql("CREATE POLICY everything ON notes TO " + role + " USING (true)");
  EXPECT_THAT(check(), HasSubstr(role)) << "a policy may become another one at any time";
  sql("ALTER ROLE " + role + " BYPASSRLS");
  EXPECT_THAT(check(), Not(HasSubstr(role)));
  sql("DROP OWNED BY " + role);
  sql("DROP ROLE " + role);
}

// ── Tables that are moved and altered

TEST_F(Shapes, ThatMoveToAnotherSchemaAreFollowedThere) {
  sql("CREATE TABLE notes (id int PRIMARY KEY, body text, embedding vector(8))");
  vectorize("notes", "{body}");
  sql("INSERT INTO notes SELECT i, 'note ' || i FROM generate_series(1, 10) i");
  // A hint makes the worker claim before a poll tells it the table's new name.
  Embedd worker = start_worker({{"EMBEDD_POLL_SECONDS", "3"}});
  ASSERT_TRUE(wait_until_idle()) << worker.log();
  sql("CREATE SCHEMA archive");
  sql("GRANT USAGE ON SCHEMA archive TO public");
  sql("ALTER TABLE notes SET SCHEMA archive");
  sql("ALTER TABLE archive.notes RENAME TO papers");
  sql("CREATE TABLE notes (LIKE archive.papers INCLUDING ALL)");
  sql("INSERT INTO notes VALUES (1, 'of another table')");
  sql("UPDATE archive.papers SET body = 'changed there' WHERE id = 1");
  sql("INSERT INTO archive.papers VALUES (11, 'new there')");
  EXPECT_TRUE(eventually([&] {
    return jobs() == 0 && wrong_rows("SELECT id, body, embedding FROM archive.papers").empty();
  })) << worker.log();
  EXPECT_EQ(value("SELECT embedding FROM notes"), "NULL");
  EXPECT_THAT(run_embedd({"vectorizer", "show", "notes"}).output, HasSubstr("archive.papers"));
  EXPECT_EQ(worker.stop().code, 0);
  EXPECT_EQ(provider.stats().inputs, 12u);
}

TEST_F(Shapes, ThatAreRewrittenByAnAlterTableAreWalkedAndOnlyOtherTextsAreBought) {
  sql("CREATE TABLE notes (id int PRIMARY KEY, title text, n int, embedding vector(8))");
  vectorize("notes", "{title} {n}");
  sql("INSERT INTO notes SELECT i, 'note', i FROM generate_series(1, 10) i");
  Embedd worker = start_worker({{"EMBEDD_WALK_SECONDS", "1"}});
  ASSERT_TRUE(wait_until_idle()) << worker.log();
  sql("ALTER TABLE notes ALTER n TYPE bigint");  // the same texts
  sql("ALTER TABLE notes ALTER title TYPE varchar(20) USING CASE WHEN id <= 3 THEN upper(title) ELSE title "
      "END");
  EXPECT_TRUE(eventually([&] {
    return jobs() == 0 && wrong_rows("SELECT id, title || ' ' || n, embedding FROM notes").empty();
  })) << worker.log();
  EXPECT_EQ(worker.stop().code, 0);
  EXPECT_EQ(provider.stats().inputs, 13u);
  EXPECT_EQ(run_embedd({"check"}).code, 0);
}

TEST_F(Shapes, ThatLoseTheColumnOfTheModelsNameAreReported) {
  sql("CREATE TABLE notes (id int PRIMARY KEY, body text, embedding vector(8), model text)");
  vectorize("notes", "{body}", {"--model-id-column", "model"});
  sql("INSERT INTO notes VALUES (1, 'one')");
  ASSERT_EQ(work_once().code, 0);
  sql("ALTER TABLE notes DROP COLUMN model");
  sql("UPDATE notes SET body = 'two'");
  EXPECT_EQ(work_once().code, 3);
  EXPECT_THAT(check(), HasSubstr("FAIL capture of notes: \"public\".\"notes\" has no column model any more"));
  sql("ALTER TABLE notes ADD COLUMN model text");
  EXPECT_TRUE(eventually([&] { return work_once().code == 0; }));
  EXPECT_EQ(wrong_rows("SELECT id, body, embedding FROM notes"), "");
  EXPECT_EQ(provider.stats().inputs, 2u) << "the vector was kept meanwhile";
}

// ── Dimensions

TEST_F(Shapes, WithVectorsOfManyDimensionsAreFilledAndTheirIndexesAreSpokenOf) {
  const auto note = [&](const std::string& type, const std::vector<std::string>& more = {}) {
    sql(fmt::format("CREATE TABLE wide (id int PRIMARY KEY, body text, embedding {})", type));
    sql("INSERT INTO wide VALUES (1, 'one'), (2, 'two')");
    std::vector<std::string> arguments{"--endpoint", "local", "--model", "local-hashing-v1"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Finished made = declare("wide", "{body}", arguments);
    if (made.code != 0) {
      sql("DROP TABLE wide");
      return made.error_output;
    }
    EXPECT_EQ(work_once().code, 0) << type;
    EXPECT_EQ(
        value(
            "SELECT count(*) || ' of ' || min(vector_dims(embedding)) FROM wide WHERE embedding IS NOT NULL"),
        "2 of " + value("SELECT dimensions FROM embedd.vectorizers"));
    EXPECT_EQ(run_embedd({"vectorizer", "drop", "notes"}).code, 0);
    sql("DROP TABLE wide");
    return made.error_output;
  };
  EXPECT_THAT(note("vector(2000)"), Not(HasSubstr("index")));
  EXPECT_THAT(
      note("vector(2001)"),
      HasSubstr("note: of the 2001 dimensions of 'embedding' only an index of half precision can be made: "
                "--index halfvec, now or with embedd vectorizer reindex"));
  EXPECT_THAT(note("vector(2001)", {"--index", "halfvec"}), Not(HasSubstr("note: of the 2001")));
  EXPECT_THAT(note("vector(4001)", {"--index", "hnsw"}), HasSubstr("choose --index none"));
  EXPECT_THAT(note("halfvec(4000)"), Not(HasSubstr("index")));
  EXPECT_THAT(note("halfvec(4001)"),
              HasSubstr("no index of pgvector's takes the 4001 dimensions of 'embedding'"));
  EXPECT_THAT(note("vector(16000)"), HasSubstr("each search reads all rows"));
  EXPECT_THAT(note("halfvec(16000)"), HasSubstr("each search reads all rows"));
  EXPECT_THAT(note("vector", {"--dimensions", "16000"}), HasSubstr("each search reads all rows"));
  EXPECT_THAT(note("vector", {"--dimensions", "16001"}), HasSubstr("16000"));
}

}  // namespace
}  // namespace embedd::test
