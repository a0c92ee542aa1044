// Vectors that somebody else writes: ORMs that save whole rows, imports, scripts, triggers.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "support/paths.h"
#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

// ── ORMs

class Orm : public WorkerTest, public testing::WithParamInterface<const char*> {
 protected:
  void SetUp() override {
    EMBEDD_NOT_ON(pgbouncer, "it is about what reaches the server");
    if (!has(GetParam())) GTEST_SKIP() << "there is no " << GetParam() << " for " << kPython;
    declare_docs();
    add_docs(1);
  }
  static constexpr const char* kPython = "/usr/bin/python3";
  static bool has(const std::string& orm) {
    return access(kPython, X_OK) == 0 &&
           run_process({.arguments = {"-c", "import psycopg2, " + orm}, .program = kPython}).code == 0;
  }
  void orm(const std::string& what) {
    const Finished done = run_process({.arguments = {source_file("tests/integration/data/orm_saves.py"),
                                                     GetParam(), what, database.url(), files.file("object")},
                                       .program = kPython});
    ASSERT_EQ(done.code, 0) << done.error_output;
  }
  void work() {
    const Finished run = work_once();
    ASSERT_EQ(run.code, 0) << run.error_output;
  }
};

TEST_P(Orm, AnObjectFromBeforeTheFirstEmbeddingTakesNoVectorAway) {
  orm("load");
  work();
  orm("save");
  EXPECT_EQ(value("SELECT views || ' ' || (embedding IS NULL) FROM docs"), "1 true") << "the ORM wrote NULL";
  work();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(provider.stats().inputs, 1U) << "the vector was put back";
}

TEST_P(Orm, AnObjectWithTheFormerVectorDoesNotBringItBack) {
  work();
  const std::string former = value("SELECT embedding FROM docs");
  sql("UPDATE docs SET body = 'another'");
  orm("load");
  work();
  orm("save");
  EXPECT_EQ(value("SELECT embedding FROM docs"), former) << "the ORM wrote the former vector";
  work();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(provider.stats().inputs, 2U) << "one for each text";
}

TEST_P(Orm, AnObjectThatHoldsTheVectorChangesNothing) {
  work();
  orm("load");
  orm("save");
  EXPECT_EQ(jobs(), 0);
  EXPECT_EQ(wrong_docs(), "");
}

INSTANTIATE_TEST_SUITE_P(Saves, Orm, testing::Values("django", "sqlalchemy"));

// ── Vectors out of line, in line, of other types

struct Storage {
  const char* name;
  const char* type;
  const char* more;  ///< a statement on the table, before anything is stored
};
void PrintTo(const Storage& storage, std::ostream* out) { *out << storage.name; }

class StoredVectors : public WorkerTest, public testing::WithParamInterface<Storage> {
 protected:
  void SetUp() override {
    EMBEDD_NOT_ON(pgbouncer, "it is about what reaches the server");
    environment["OPENAI_BASE_URL"] = large_.base_url();
    ASSERT_EQ(run_embedd({"migrate"}).code, 0);
    sql("CREATE DOMAIN embedding_of_ours AS vector(1536)");
    sql(fmt::format(
        "CREATE TABLE notes (id int PRIMARY KEY, body text, reads int NOT NULL DEFAULT 0, embedding {})",
        GetParam().type));
    if (*GetParam().more != 0) sql(GetParam().more);
    const Finished created = run_embedd({"vectorizer", "create", "notes", "--table", "notes", "--text",
                                         "{body}", "--column", "embedding", "--dimensions", "1536"});
    ASSERT_EQ(created.code, 0) << created.error_output;
    sql("INSERT INTO notes SELECT i, 'note ' || i FROM generate_series(1, 20) i");
    ASSERT_EQ(work_once().code, 0);
    ASSERT_EQ(number("SELECT count(embedding) FROM notes"), 20);
    sql("CREATE TABLE good AS SELECT id, embedding FROM notes");
    sql("CREATE TABLE others AS SELECT id, (SELECT g.embedding FROM good g WHERE g.id = 21 - n.id) AS "
        "embedding "
        "FROM notes n");
    paid_ = large_.stats().inputs;
  }
  std::int64_t replaced() {
    return number(
        "SELECT count(*) FROM notes n JOIN good g USING (id) WHERE n.embedding IS DISTINCT FROM g.embedding");
  }
  std::uint64_t bought() { return large_.stats().inputs - paid_; }

 private:
  ScriptedProvider large_{{.dimensions = 1536, .key = "sk-test-e2e"}};
  std::uint64_t paid_ = 0;
};

TEST_P(StoredVectors, WhatIsWrittenOverThemIsSeenAndTheyArePutBack) {
  sql("UPDATE notes SET embedding = o.embedding::text::" + std::string(GetParam().type) +
      " FROM others o WHERE o.id = notes.id AND notes.id <= 10");
  EXPECT_EQ(replaced(), 10);
  EXPECT_EQ(jobs(), 10);
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(replaced(), 0);
  EXPECT_EQ(bought(), 0U);
}

TEST_P(StoredVectors, WhatDoesNotChangeThemMakesNoJob) {
  for (int i = 0; i < 10; ++i) sql("UPDATE notes SET reads = reads + 1");
  sql("UPDATE notes SET embedding = embedding, reads = 0");
  sql("UPDATE notes SET embedding = embedding::text::" + std::string(GetParam().type));
  EXPECT_EQ(jobs(), 0);
  EXPECT_EQ(number("SELECT count(*) FROM embedd.missed_changes"), 0);
}

/// From a table to the other, the server passes a vector on unread, and before PostgreSQL 17 nobody can tell
/// whose it is: the walk can.
TEST_P(StoredVectors, ThoseCopiedFromAnotherTableAreReplacedInTheEnd) {
  sql("UPDATE notes SET embedding = o.embedding FROM others o WHERE o.id = notes.id AND notes.id <= 10");
  EXPECT_EQ(replaced(), 10);
  sql("UPDATE embedd.vectorizers SET walked_at = NULL");
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(replaced(), 0);
}

INSTANTIATE_TEST_SUITE_P(Of, StoredVectors,
                         testing::Values(Storage{"ExternalVector", "vector(1536)", ""},
                                         Storage{"PlainVector", "vector(1536)",
                                                 "ALTER TABLE notes ALTER embedding SET STORAGE plain"},
                                         Storage{"ExtendedVector", "vector(1536)",
                                                 "ALTER TABLE notes ALTER embedding SET STORAGE extended"},
                                         Storage{"Halfvec", "halfvec(1536)", ""},
                                         Storage{"AnyLength", "vector", ""},
                                         Storage{"Domain", "embedding_of_ours", ""}),
                         [](const auto& info) { return std::string(info.param.name); });

// ── Behind the triggers

class Pairs : public WorkerTest {
 protected:
  void SetUp() override { declare_docs(); }
  void walk() {
    sql("UPDATE embedd.vectorizers SET walked_at = NULL");
    const Finished run = work_once();
    ASSERT_EQ(run.code, 0) << run.error_output;
  }
  void behind_the_triggers(const std::string& statement) {
    sql("SET session_replication_role = replica");
    sql(statement);
    sql("RESET session_replication_role");
  }
  static constexpr const char* kForeign = "'[1,1,1,1,1,1,1,1]'";
};

TEST_F(Pairs, AVectorThatCameWithItsRowIsNotBelieved) {
  sql(fmt::format("INSERT INTO docs (slug, body, embedding) VALUES ('imported', 'text', {})", kForeign));
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_docs(), "");
}

TEST_F(Pairs, AWalkReadsTheVectorsOfRowsWrittenSinceTheLastOne) {
  add_docs(20);
  EXPECT_EQ(work_once().code, 0);
  const auto looked_at = [this] {
    return number(
        "SELECT count(*) FROM docs, embedd.vectorizers v WHERE pg_catalog.age(docs.xmin) <= "
        "pg_catalog.age(v.proven_before::xid)");
  };
  // Proven is what was written before the oldest transaction that was under way, in whatever database.
  do walk();
  while (looked_at() > 0);
  behind_the_triggers(
      fmt::format("UPDATE docs SET embedding = {} WHERE slug IN ('doc-3', 'doc-4')", kForeign));
  EXPECT_EQ(looked_at(), 2);
  const std::uint64_t paid = provider.stats().inputs;
  walk();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(provider.stats().inputs - paid, 2U);
}

TEST_F(Pairs, AVectorThatNothingProvesIsNotKeptWhenItIsReplaced) {
  add_docs(2);
  EXPECT_EQ(work_once().code, 0);
  sql("DELETE FROM embedd.ledger_1 WHERE k1 = 'doc-1'");
  sql(fmt::format("UPDATE docs SET embedding = {}", kForeign));
  EXPECT_EQ(value("SELECT string_agg(k1, ' ') FROM embedd.queue_1 WHERE kept IS NOT NULL"), "doc-2");
  EXPECT_EQ(number("SELECT count(*) FROM embedd.queue_1"), 2) << "both are due";
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_docs(), "");
}

TEST_F(Pairs, AVectorThatWasWrittenUnseenIsNotKeptWhenItIsReplaced) {
  add_docs(1);
  EXPECT_EQ(work_once().code, 0);
  sql("SET session_replication_role = replica");
  sql(fmt::format("UPDATE docs SET embedding = {}", kForeign));
  sql("SET session_replication_role = origin");
  sql("UPDATE docs SET embedding = NULL");
  EXPECT_EQ(value("SELECT count(*) || ' ' || count(kept) FROM embedd.queue_1"), "1 0");
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_docs(), "");
}

/// Rights on pgvector's functions are not embedd's to give.
TEST_F(Pairs, AWriteToTheVectorPassesWhereItCannotBeCaptured) {
  add_docs(2);
  EXPECT_EQ(work_once().code, 0);
  sql("REVOKE EXECUTE ON FUNCTION vector_send(vector) FROM PUBLIC");
  sql(fmt::format("UPDATE docs SET embedding = {} WHERE slug = 'doc-1'", kForeign));
  EXPECT_EQ(
      number("SELECT (SELECT count(*) FROM embedd.queue_1) + (SELECT count(*) FROM embedd.missed_changes)"),
      1)
      << "captured by whoever may call it, else noted";
  sql("GRANT EXECUTE ON FUNCTION vector_send(vector) TO PUBLIC");
  walk();
  EXPECT_EQ(wrong_docs(), "");
}

/// A dump brings the number of a transaction along, which says nothing where it is restored.
TEST_F(Pairs, WhatAnotherDatabasesWalkHasSeenCountsForNothing) {
  add_docs(5);
  EXPECT_EQ(work_once().code, 0);
  behind_the_triggers(fmt::format("UPDATE docs SET embedding = {} WHERE slug = 'doc-2'", kForeign));
  sql("UPDATE embedd.vectorizers SET proven_before = pg_snapshot_xmax(pg_current_snapshot()), "
      "proven_in = 'another database/1'");
  walk();
  EXPECT_EQ(wrong_docs(), "");
}

TEST_F(Pairs, ProofsFromBeforeVectorsWereProvenTakeTheVectorThatTheyFind) {
  add_docs(5);
  EXPECT_EQ(work_once().code, 0);
  sql("UPDATE embedd.ledger_1 SET vector_hash = NULL");
  const std::uint64_t paid = provider.stats().inputs;
  walk();
  EXPECT_EQ(provider.stats().inputs, paid);
  EXPECT_EQ(number("SELECT count(vector_hash) FROM embedd.ledger_1"), 5);
  behind_the_triggers(fmt::format("UPDATE docs SET embedding = {} WHERE slug = 'doc-3'", kForeign));
  walk();
  EXPECT_EQ(wrong_docs(), "");
}

TEST_F(Pairs, ATriggerThatReplacesEachVectorIsNotPaidForEver) {
  sql("CREATE FUNCTION halve() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "UPDATE docs SET embedding = (SELECT array_agg(x / 2) FROM unnest(NEW.embedding::real[]) x)::vector "
      "WHERE slug = NEW.slug AND pg_trigger_depth() = 1; RETURN NULL; END $$");
  sql("CREATE TRIGGER halve AFTER UPDATE OF embedding ON docs FOR EACH ROW WHEN (NEW.embedding IS NOT NULL) "
      "EXECUTE FUNCTION halve()");
  add_docs(2);
  EXPECT_EQ(work_once().code, 0);
  for (int i = 0; i < 6; ++i) walk();
  EXPECT_EQ(provider.stats().inputs, 2U + 3U * 2U);
  sql("UPDATE embedd.vectorizers SET walked_at = NULL");
  const Finished run = work_once();
  EXPECT_NE(
      run.error_output.find(
          R"("event":"vectors_replaced","vectorizer":"docs","rows_embedded_again":0,"rows_left_alone":2)"),
      std::string::npos)
      << run.error_output;
  for (const char* command : {"status", "check"}) {
    const Finished told = run_embedd({command});
    EXPECT_NE(told.output.find("2 rows of"), std::string::npos) << told.output;
  }
  sql("DROP TRIGGER halve ON docs");
  sql("UPDATE docs SET body = body || '.'");
  walk();
  walk();
  EXPECT_EQ(run_embedd({"status"}).output.find("2 rows of"), std::string::npos);
}

TEST_F(Pairs, ATriggerThatChangesEachVectorAsItIsStoredHasTheLastWord) {
  sql("CREATE FUNCTION halve() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "NEW.embedding = (SELECT array_agg(x / 2) FROM unnest(NEW.embedding::real[]) x)::vector; RETURN NEW; "
      "END $$");
  sql("CREATE TRIGGER halve BEFORE UPDATE OF embedding ON docs FOR EACH ROW EXECUTE FUNCTION halve()");
  add_docs(2);
  for (int i = 0; i < 3; ++i) walk();
  EXPECT_EQ(provider.stats().inputs, 2U);
}

TEST_F(Pairs, AnEstimateCountsAVectorOfSomebodyElses) {
  add_docs(5);
  EXPECT_EQ(work_once().code, 0);
  behind_the_triggers(fmt::format("UPDATE docs SET embedding = {} WHERE slug = 'doc-3'", kForeign));
  const Finished estimate = run_embedd({"estimate", "docs"});
  EXPECT_NE(estimate.output.find("rows    1\n"), std::string::npos) << estimate.output;
}

}  // namespace
}  // namespace embedd::test
