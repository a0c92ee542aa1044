// Tables as they are in the wild: odd names and keys, filters, partitions, triggers of their own, huge texts.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

class Tables : public WorkerTest {
 protected:
  void SetUp() override { ASSERT_EQ(run_embedd({"migrate"}).code, 0); }

  void vectorize(const std::string& name, const std::string& table, const std::string& text,
                 const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"vectorizer", "create", name,       "--table",  table,
                                       "--text",     text,     "--column", "embedding"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    const Finished created = run_embedd(arguments);
    ASSERT_EQ(created.code, 0) << created.error_output;
  }
};

TEST_F(Tables, CompositeKeysAndQuotedNamesAndHalfPrecision) {
  sql(R"(CREATE SCHEMA "My App")");
  sql(R"(CREATE TABLE "My App"."Doc's ""Parts""" ("Doc Id" uuid, "No" int, "Der Text" text, embedding vector(8),
         PRIMARY KEY ("Doc Id", "No")))");
  vectorize("parts", R"("My App"."Doc's ""Parts""")", "{Der Text}");
  sql(R"(INSERT INTO "My App"."Doc's ""Parts""" SELECT md5((i / 3)::text)::uuid, i % 3, 'part ' || i
         FROM generate_series(1, 100) i)");
  const Finished run = work_once();
  EXPECT_EQ(run.code, 0) << run.error_output;
  EXPECT_EQ(wrong_rows(R"(SELECT "No", "Der Text", embedding FROM "My App"."Doc's ""Parts""")"), "");
}

TEST_F(Tables, AHalfvecColumnHoldsTheSameVectorRounded) {
  sql("CREATE TABLE notes (id bigint PRIMARY KEY, body text, embedding halfvec(8))");
  vectorize("notes", "notes", "{body}");
  sql("INSERT INTO notes SELECT i, 'note ' || i FROM generate_series(1, 50) i");
  EXPECT_EQ(work_once().code, 0);
  for (const int id : {1, 25, 50}) {
    std::string expected;
    for (const float number : expected_vector(fmt::format("note {}", id), kDimensions))
      expected += fmt::format("{}{}", expected.empty() ? "" : ",", number);
    EXPECT_EQ(value(fmt::format("SELECT embedding = '[{}]'::vector::halfvec FROM notes WHERE id = {}",
                                expected, id)),
              "t");
  }
}

TEST_F(Tables, AFilterDecidesWhichRowsHoldAVector) {
  sql("CREATE TABLE notes (id bigint PRIMARY KEY, body text, published boolean, embedding vector(8))");
  vectorize("notes", "notes", "{body}", {"--where", "published"});
  sql("INSERT INTO notes SELECT i, 'note ' || i, i % 2 = 0 FROM generate_series(1, 40) i");
  Embedd worker = start_worker();
  const auto right = [&] {
    return wrong_rows("SELECT id, CASE WHEN published THEN body END, embedding FROM notes").empty();
  };
  ASSERT_TRUE(eventually(right)) << worker.log();
  EXPECT_EQ(provider.stats().inputs, 20u);
  sql("UPDATE notes SET published = NOT published WHERE id <= 10");
  ASSERT_TRUE(eventually(right)) << worker.log();
  EXPECT_EQ(provider.stats().inputs, 25u);
}

TEST_F(Tables, PartitionsAreWatchedWhicheverWayRowsGetThere) {
  sql("CREATE TABLE notes (id bigint, day int, body text, embedding vector(8), PRIMARY KEY (id, day)) "
      "PARTITION BY LIST (day)");
  sql("CREATE TABLE notes_1 PARTITION OF notes FOR VALUES IN (1)");
  sql("CREATE TABLE notes_2 PARTITION OF notes FOR VALUES IN (2)");
  vectorize("notes", "notes", "{body}");
  sql("INSERT INTO notes SELECT i, 1 + i % 2, 'note ' || i FROM generate_series(1, 40) i");
  sql("INSERT INTO notes_2 VALUES (100, 2, 'written directly')");
  Embedd worker = start_worker();
  const auto right = [&] {
    return wrong_rows("SELECT id, body, embedding FROM notes").empty() && jobs() == 0;
  };
  ASSERT_TRUE(eventually(right)) << worker.log();
  sql("UPDATE notes SET day = 2 WHERE id = 2");
  sql("UPDATE notes_1 SET body = 'changed directly' WHERE id = 4");
  ASSERT_TRUE(eventually(right)) << worker.log();
  // To triggers a move is a delete and an insert, so the row that moved is bought again; no other is.
  EXPECT_LE(provider.stats().repeated_texts, 1u);
}

TEST_F(Tables, WhatTriggersDidNotSeeAWalkFinds) {
  sql("CREATE TABLE notes (id bigint PRIMARY KEY, body text, embedding vector(8))");
  vectorize("notes", "notes", "{body}");
  sql("INSERT INTO notes SELECT i, 'note ' || i FROM generate_series(1, 30) i");
  Embedd worker = start_worker({{"EMBEDD_WALK_SECONDS", "1"}});
  const auto right = [&] { return wrong_rows("SELECT id, body, embedding FROM notes").empty(); };
  ASSERT_TRUE(eventually(right)) << worker.log();
  sql("SET session_replication_role = replica");
  sql("INSERT INTO notes VALUES (31, 'restored')");
  sql("UPDATE notes SET body = 'changed unseen' WHERE id = 1");
  sql("UPDATE notes SET body = NULL WHERE id = 2");
  sql("DELETE FROM notes WHERE id = 3");
  sql("RESET session_replication_role");
  ASSERT_FALSE(right());
  ASSERT_TRUE(eventually(right)) << worker.log();
  EXPECT_TRUE(eventually([&] { return value("SELECT count(*) FROM embedd.ledger_1") == "29"; }));
  EXPECT_EQ(provider.stats().inputs, 32u) << "nothing but the two new texts was bought";
}

TEST_F(Tables, EqualTextsArePaidOnce) {
  sql("CREATE TABLE notes (id bigint PRIMARY KEY, body text, embedding vector(8))");
  vectorize("notes", "notes", "{body}");
  sql("INSERT INTO notes SELECT i, 'the same' FROM generate_series(1, 4) i");
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_rows("SELECT id, body, embedding FROM notes"), "");
  EXPECT_EQ(provider.stats().inputs, 1u);
}

TEST_F(Tables, ARowThatTheUsersOwnConstraintRefusesStaysAlone) {
  sql("CREATE TABLE notes (id bigint PRIMARY KEY, body text, embedding vector(8))");
  sql("CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "
      "IF new.id = 13 THEN RAISE EXCEPTION 'not this one'; END IF; RETURN new; END$$");
  sql("CREATE TRIGGER guard BEFORE UPDATE OF embedding ON notes FOR EACH ROW EXECUTE FUNCTION guard()");
  vectorize("notes", "notes", "{body}");
  sql("INSERT INTO notes SELECT i, 'note ' || i FROM generate_series(1, 60) i");
  const Finished run = work_once();
  EXPECT_EQ(run.code, 3) << run.error_output;
  EXPECT_EQ(wrong_rows("SELECT id, body, embedding FROM notes"), "13(none) ");
  EXPECT_EQ(value("SELECT key::text FROM embedd.dead_letters"), R"({"id": 13})");
  EXPECT_EQ(provider.stats().repeated_texts, 0u) << "no neighbour was bought twice";
}

TEST_F(Tables, AHugeTextIsCutAndHarmsNobody) {
  sql("CREATE TABLE notes (id bigint PRIMARY KEY, body text, embedding vector(8))");
  vectorize("notes", "notes", "{body}");
  sql("INSERT INTO notes SELECT i, 'note ' || i FROM generate_series(1, 50) i");
  sql("UPDATE notes SET body = (SELECT string_agg('word' || i, ' ') FROM generate_series(1, 3000000) i) "
      "WHERE id = 7");
  const Finished run = work_once();
  EXPECT_EQ(run.code, 0) << run.error_output;
  EXPECT_EQ(wrong_rows("SELECT id, body, embedding FROM notes WHERE id <> 7"), "");
  EXPECT_EQ(value("SELECT embedding IS NOT NULL FROM notes WHERE id = 7"), "t");
}

TEST_F(Tables, OneBrokenVectorizerDoesNotHoldUpAnother) {
  sql("CREATE TABLE broken (id bigint PRIMARY KEY, body text, embedding vector(8))");
  sql("CREATE TABLE notes (id bigint PRIMARY KEY, body text, embedding vector(8))");
  vectorize("broken", "broken", "{body}");
  vectorize("notes", "notes", "{body}");
  Embedd worker = start_worker();
  sql("INSERT INTO notes VALUES (1, 'before')");
  const auto right = [&] { return wrong_rows("SELECT id, body, embedding FROM notes").empty(); };
  ASSERT_TRUE(eventually(right)) << worker.log();
  sql("DROP TABLE broken");
  sql("INSERT INTO notes SELECT i, 'note ' || i FROM generate_series(2, 40) i");
  ASSERT_TRUE(eventually(right)) << worker.log();
  const Finished dropped = run_embedd({"vectorizer", "drop", "broken"});
  EXPECT_EQ(dropped.code, 0) << dropped.error_output;
  sql("UPDATE notes SET body = 'after'");
  ASSERT_TRUE(eventually(right)) << worker.log();
  EXPECT_TRUE(worker.running());
}

TEST_F(Tables, AVectorizerDroppedInFlightLeavesTheWorkerAndTheVectors) {
  sql("CREATE TABLE notes (id bigint PRIMARY KEY, body text, embedding vector(8))");
  vectorize("notes", "notes", "{body}");
  sql("INSERT INTO notes SELECT i, 'note ' || i FROM generate_series(1, 40) i");
  Embedd worker = start_worker();
  ASSERT_TRUE(wait_until_idle()) << worker.log();
  provider.hold();
  sql("UPDATE notes SET body = 'changed' WHERE id = 1");
  ASSERT_TRUE(provider.wait_for([](const auto& stats) { return stats.held == 1; })) << worker.log();
  ASSERT_EQ(run_embedd({"vectorizer", "drop", "notes"}).code, 0);
  provider.release();
  EXPECT_TRUE(eventually([&] { return worker.metric("embedd_leases") == 0; })) << worker.log();
  EXPECT_TRUE(worker.running());
  EXPECT_EQ(value("SELECT count(embedding) FROM notes"), "40");
  vectorize("again", "notes", "{body}");
  EXPECT_TRUE(eventually([&] {
    return value("SELECT walked_at IS NOT NULL FROM embedd.vectorizers") == "t";
  })) << worker.log();
  ASSERT_TRUE(eventually([&] { return number("SELECT count(*) FROM embedd.queue_2") == 0; })) << worker.log();
  EXPECT_EQ(provider.stats().inputs, 42u) << "but for the row that changed, nothing is bought again";
  EXPECT_EQ(worker.stop().code, 0);
}

TEST_F(Tables, TracesInitThenAWorkerIsAllTheFirstUserNeeds) {
  const ScriptedProvider openai({.dimensions = 1536, .key = "sk-test-e2e"});
  environment["OPENAI_BASE_URL"] = openai.base_url();
  const Finished made = run_embedd({"traces", "init"});
  ASSERT_EQ(made.code, 0) << made.error_output;
  sql("INSERT INTO traces (title, context_text, solution_text) SELECT 'title ' || i, 'context ' || i, "
      "'solution ' || i "
      "FROM generate_series(1, 20) i");
  const Finished run = work_once();
  EXPECT_EQ(run.code, 0) << run.error_output;
  EXPECT_EQ(value("SELECT count(*) FROM traces WHERE vector_dims(embedding) = 1536 AND embedding_model_id = "
                  "'text-embedding-3-small' AND embedding_model_version IS NOT NULL"),
            "20");
  const Finished found = run_embedd({"search", "traces", "title 7\ncontext 7\nsolution 7", "-k", "1"});
  EXPECT_EQ(found.code, 0) << found.error_output;
  EXPECT_THAT(found.output, testing::HasSubstr("title 7"));
}

TEST_F(Tables, AWorkerWaitsForTheTableOfTracesAndMakesNone) {
  EMBEDD_NOT_ON(least_privilege, "the worker declares");
  const ScriptedProvider openai({.dimensions = 1536, .key = "sk-test-e2e"});
  environment["OPENAI_BASE_URL"] = openai.base_url();
  const Finished once = run_embedd({"worker", "--once", "--traces"});
  EXPECT_EQ(once.code, 1);
  EXPECT_THAT(once.error_output, testing::HasSubstr("there is no table traces yet"));
  Embedd worker = start({"worker", "--traces"});
  ASSERT_TRUE(worker.wait_for_log("\"event\":\"waiting_for_table\"")) << worker.log();
  sql("CREATE TABLE traces (id bigint PRIMARY KEY, title text, context_text text, solution_text text, "
      "embedding "
      "vector(1536), embedding_model_id text, embedding_model_version text)");
  sql("INSERT INTO traces VALUES (1, 'title', 'context', 'solution')");
  EXPECT_TRUE(eventually([&] { return value("SELECT count(embedding) FROM traces") == "1"; }))
      << worker.log();
  EXPECT_EQ(worker.stop().code, 0);
  Embedd again = start({"worker", "--traces"});
  ASSERT_TRUE(again.wait_for_log("\"event\":\"worker_started\"")) << again.log();
  EXPECT_EQ(again.stop().code, 0);
}

}  // namespace
}  // namespace embedd::test
