// search, dead letters and status: what the shell's commands read and change.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/dead_letters.h"
#include "schema/sql_text.h"
#include "schema/status.h"
#include "search/search.h"
#include "support/sample_tables.h"

namespace embedd::schema {
namespace {

using test::create;
using test::jobs;
using test::notes_spec;
using test::NotesDatabase;
using test::run;
using test::value_of;
using testing::HasSubstr;

const std::vector<float> kEast = {1, 0, 0};

/// Three notes that point east, north-east and north, and one without a vector.
void fill(pg::Connection& db) {
  run(db,
      "INSERT INTO notes (id, title, body, other, embedding) VALUES (1, 'north', NULL, 1, '[0,1,0]'), "
      "(2, 'north-east', 'body', 2, '[1,1,0]'), (3, 'east', 'body', 3, '[2,0,0]'), (4, 'nowhere', NULL, 4, "
      "NULL)");
}

TEST(Search, NearestFirstByCosine) {
  NotesDatabase notes;
  const VectorizerInfo v = notes.vectorize();
  fill(notes.db);
  auto hits = search::search(notes.embedd_db, v, kEast, 10);
  ASSERT_TRUE(hits) << hits.error().message;
  ASSERT_EQ(hits->size(), 3u);
  EXPECT_EQ((*hits)[0].key, "{\"id\": 3}");
  EXPECT_NEAR((*hits)[0].similarity, 1.0, 1e-6);
  EXPECT_EQ((*hits)[0].preview, "east\nbody");
  EXPECT_EQ((*hits)[1].key, "{\"id\": 2}");
  EXPECT_NEAR((*hits)[1].similarity, 0.7071, 1e-3);
  EXPECT_EQ((*hits)[2].key, "{\"id\": 1}");
  EXPECT_EQ(search::search(notes.embedd_db, v, kEast, 1)->size(), 1u);
  EXPECT_EQ(search::search(notes.embedd_db, v, kEast, 1, 2)->at(0).preview, "ea");
}

TEST(Search, RefusesWhatCannotBeCompared) {
  NotesDatabase notes;
  const VectorizerInfo v = notes.vectorize();
  auto wrong = search::search(notes.embedd_db, v, std::vector<float>{1, 2}, 10);
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, HasSubstr("2 dimensions"));
  EXPECT_FALSE(search::search(notes.embedd_db, v, kEast, 0));
  EXPECT_FALSE(search::search(notes.embedd_db, v, kEast, 1001));
}

TEST(Search, HalfvecCompositeKeysAndAnySearchPath) {
  EMBEDD_NOT_ON(pgbouncer, "needs settings of its session");
  NotesDatabase notes;
  pg::Connection& db = notes.db;
  run(db, "CREATE TABLE halves (a int, b text, title text, v halfvec(3), PRIMARY KEY (a, b))");
  VectorizerSpec spec = notes_spec();
  spec.table = "halves";
  spec.text = "{title}";
  spec.column = "v";
  const VectorizerInfo v = create(db, spec);
  run(db, "INSERT INTO halves VALUES (1, 'x', 't', '[0,1,0]'), (2, 'y', 't', '[1,0.1,0]')");
  run(db, "SET search_path = ''");
  auto hits = search::search(db, v, kEast, 1);
  ASSERT_TRUE(hits) << hits.error().message;
  EXPECT_EQ(hits->at(0).key, R"({"a": 2, "b": "y"})");
}

TEST(Search, UsesTheIndexAndStillFillsAFilteredAnswer) {
  EMBEDD_NOT_ON(pgbouncer, "needs settings of its session");
  NotesDatabase notes;
  pg::Connection& db = notes.db;
  const VectorizerInfo v = notes.vectorize([](VectorizerSpec& spec) { spec.where = "other = 0"; });
  // The nearest 1,900 do not pass the filter: a plain index scan of 40 candidates would find nothing.
  run(db,
      "INSERT INTO notes (id, title, other, embedding) SELECT i, 't', CASE WHEN i > 1900 THEN 0 ELSE 1 END, "
      "ARRAY[cos(i / 2000.0), sin(i / 2000.0), 0]::vector FROM generate_series(1, 2000) i");
  run(db, "CREATE INDEX ON notes USING hnsw (embedding vector_cosine_ops)");
  run(db, "ANALYZE notes");
  run(db, "SET enable_seqscan = off");
  if (value_of(db, "SELECT extversion >= '0.8' FROM pg_extension WHERE extname = 'vector'") != "t")
    GTEST_SKIP() << "iterative scans need pgvector 0.8";
  auto hits = search::search(db, v, kEast, 10);
  ASSERT_TRUE(hits) << hits.error().message;
  ASSERT_EQ(hits->size(), 10u);
  EXPECT_EQ(hits->at(0).key, "{\"id\": 1901}");
  EXPECT_EQ(value_of(db, "SHOW hnsw.iterative_scan"), "off") << "a search leaves no setting behind";
  if (db.server_version() < 150000) return;  // older servers report their statistics later
  run(db, "SELECT pg_stat_force_next_flush()");
  EXPECT_EQ(
      value_of(db, "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'notes_embedding_idx'"),
      "1");
}

void bury(pg::Connection& db, const VectorizerInfo& v, const std::string& key, const std::string& kind) {
  run(db,
      "INSERT INTO embedd.dead_letters (vectorizer_id, key, kind, message, attempts) VALUES ($1, $2, $3, "
      "'why', 3)",
      {std::to_string(v.id), key, kind});
}

Result<std::vector<DeadLetter>> list_dead_letters(pg::Connection& db, const DeadLetterFilter& filter,
                                                  int limit = 100) {
  std::vector<DeadLetter> letters;
  auto visited =
      visit_dead_letters(db, filter, limit, [&](const DeadLetter& letter) { letters.push_back(letter); });
  if (!visited) return std::unexpected(visited.error());
  return letters;
}

std::int64_t count(pg::Connection& db, const DeadLetterFilter& filter) {
  auto listed = list_dead_letters(db, filter);
  EXPECT_TRUE(listed) << listed.error().message;
  return listed ? static_cast<std::int64_t>(listed->size()) : -1;
}

TEST(DeadLetters, AreListedByAnyFilter) {
  NotesDatabase notes;
  const VectorizerInfo v = notes.vectorize();
  bury(notes.db, v, R"({"id": 1})", "rejected");
  bury(notes.db, v, R"({"id": 2})", "too_large");
  auto listed = list_dead_letters(notes.embedd_db, {.key = "1"});
  ASSERT_TRUE(listed) << listed.error().message;
  ASSERT_EQ(listed->size(), 1u);
  EXPECT_EQ(listed->at(0).vectorizer, "notes");
  EXPECT_EQ(listed->at(0).message, "why");
  EXPECT_EQ(listed->at(0).attempts, 3);
  EXPECT_EQ(count(notes.embedd_db, {}), 2);
  EXPECT_EQ(count(notes.embedd_db, {.vectorizer = "notes"}), 2);
  EXPECT_EQ(count(notes.embedd_db, {.key = R"({"id":2})"}), 1);
  EXPECT_EQ(count(notes.embedd_db, {.kind = "too_large"}), 1);
  EXPECT_EQ(count(notes.embedd_db, {.kind = "other"}), 0);
  EXPECT_THAT(list_dead_letters(notes.embedd_db, {.vectorizer = "note"}).error().message,
              HasSubstr("Did you mean 'notes'?"));
  EXPECT_THAT(list_dead_letters(notes.embedd_db, {.key = "{oops"}).error().message, HasSubstr("is not JSON"));
}

TEST(DeadLetters, ABareKeyIsNotTakenForOneOfSeveralColumns) {
  NotesDatabase notes;
  const VectorizerInfo v = notes.vectorize();
  bury(notes.db, v, R"({"id": 5})", "rejected");
  bury(notes.db, v, R"({"tenant": 5, "id": 5})", "rejected");
  EXPECT_EQ(count(notes.embedd_db, {.key = "5"}), 1);
  EXPECT_EQ(count(notes.embedd_db, {.key = R"({"tenant": 5, "id": 5})"}), 1);
  EXPECT_EQ(purge_dead_letters(notes.embedd_db, {.key = "5"}), 1);
  EXPECT_EQ(list_dead_letters(notes.embedd_db, {})->at(0).key, R"({"id": 5, "tenant": 5})");
}

TEST(DeadLetters, AreFilteredByAge) {
  NotesDatabase notes;
  const VectorizerInfo v = notes.vectorize();
  for (int days = 0; days < 4; ++days) {
    bury(notes.db, v, fmt::format(R"({{"id": {}}})", days), "rejected");
    run(notes.db, fmt::format("UPDATE embedd.dead_letters SET failed_at = now() - interval '{} days 1 hour' "
                              "WHERE key = '{{\"id\": {}}}'",
                              days, days));
  }
  EXPECT_EQ(count(notes.db, {.older_than = "2d"}), 2);
  EXPECT_EQ(count(notes.db, {.newer_than = "2d"}), 2);
  EXPECT_EQ(count(notes.db, {.older_than = "30min", .newer_than = "36h"}), 2);
  EXPECT_THAT(list_dead_letters(notes.db, {.older_than = "soon"}).error().message,
              HasSubstr("--older-than soon is not a length of time"));
  EXPECT_EQ(purge_dead_letters(notes.db, {.older_than = "2d"}), 2);
  EXPECT_EQ(retry_dead_letters(notes.db, {.newer_than = "12h"}), 1);
  EXPECT_EQ(count(notes.db, {}), 1);
}

TEST(DeadLetters, AreListedNewestFirstHoweverMany) {
  NotesDatabase notes;
  const VectorizerInfo v = notes.vectorize();
  run(notes.db,
      fmt::format("INSERT INTO embedd.dead_letters (vectorizer_id, key, kind, message, failed_at) "
                  "SELECT {}, jsonb_build_object('id', i), 'rejected', 'why', now() - i * interval '1 s' "
                  "FROM generate_series(1, 2500) i",
                  v.id));
  const auto all = list_dead_letters(notes.db, {}, 100'000);
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->size(), 2500u);
  EXPECT_EQ(all->front().key, R"({"id": 1})");
  EXPECT_EQ(all->back().key, R"({"id": 2500})");
  EXPECT_EQ(list_dead_letters(notes.db, {}, 1000)->size(), 1000u);
  EXPECT_EQ(list_dead_letters(notes.db, {}, 1)->size(), 1u);
}

TEST(DeadLetters, RetryPutsThemBackIntoTheirQueue) {
  NotesDatabase notes;
  const VectorizerInfo v = notes.vectorize();
  bury(notes.db, v, R"({"id": 1})", "rejected");
  bury(notes.db, v, R"({"id": 2})", "too_large");
  bury(notes.db, v, R"({"id": 3})", "too_large");
  EXPECT_EQ(retry_dead_letters(notes.embedd_db, {.kind = "too_large"}), 2);
  EXPECT_EQ(jobs(notes.db, v), "2 3");
  EXPECT_EQ(retry_dead_letters(notes.embedd_db, {.vectorizer = "notes", .key = "1"}), 1);
  EXPECT_EQ(jobs(notes.db, v), "1 2 3");
  EXPECT_EQ(count(notes.embedd_db, {}), 0);
}

TEST(DeadLetters, RetryReadsEveryKeyTypeBack) {
  EMBEDD_NOT_ON(pgbouncer, "needs settings of its session");
  NotesDatabase notes;
  pg::Connection& db = notes.db;
  run(db, "CREATE TYPE mood AS ENUM ('sad', 'happy')");
  run(db,
      "CREATE TABLE keys (a timestamptz, b mood, c int4range, d bytea, e numeric(8,2), f text, title text, "
      "embedding vector(3), PRIMARY KEY (a, b, c, d, e, f))");
  VectorizerSpec spec = notes_spec();
  spec.table = "keys";
  spec.text = "{title}";
  const VectorizerInfo v = create(db, spec);
  run(db,
      "INSERT INTO keys VALUES ('2026-03-04 05:06:07.123456+02', 'happy', '[1,2]', '\\x00ff', 1.50, 'a\"b', "
      "'t')");
  run(db,
      fmt::format(
          "INSERT INTO embedd.dead_letters (vectorizer_id, key, kind, message) SELECT {}, {}, 'rejected', "
          "'m' FROM {} q",
          v.id, v.key_json_sql, queue_table(v.id)));
  run(db, "DELETE FROM " + queue_table(v.id));
  run(db, "SET timezone = 'Asia/Tokyo'");
  EXPECT_EQ(retry_dead_letters(db, {}), 1);
  EXPECT_EQ(
      value_of(db, fmt::format("SELECT count(*) FROM {} q JOIN keys t ON (t.a, t.b, t.c, t.d, t.e, t.f) = "
                               "(q.k1, q.k2, q.k3, q.k4, q.k5, q.k6)",
                               queue_table(v.id))),
      "1");
}

TEST(DeadLetters, PurgeForgetsThem) {
  NotesDatabase notes;
  const VectorizerInfo v = notes.vectorize();
  bury(notes.db, v, R"({"id": 1})", "rejected");
  bury(notes.db, v, R"({"id": 2})", "rejected");
  EXPECT_EQ(purge_dead_letters(notes.embedd_db, {.key = "2"}), 1);
  EXPECT_EQ(purge_dead_letters(notes.embedd_db, {}), 1);
  EXPECT_EQ(jobs(notes.db, v), "");
}

TEST(Status, TellsQueuesWorkersAndUsage) {
  NotesDatabase notes;
  pg::Connection& db = notes.db;
  const VectorizerInfo v = notes.vectorize();
  fill(db);
  run(db, fmt::format("UPDATE {} SET run_at = now() - interval '90 s' WHERE k1 = 1", queue_table(v.id)));
  run(db,
      fmt::format("UPDATE {} SET run_at = now() + interval '60 s', lease = gen_random_uuid() WHERE k1 = 2",
                  queue_table(v.id)));
  bury(db, v, R"({"id": 9})", "rejected");
  run(db,
      "INSERT INTO embedd.workers (id, hostname, pid, version, started_at, seen_at, rows_embedded) VALUES "
      "(gen_random_uuid(), 'here', 7, '0.1', now() - interval '1 h', now(), 5), "
      "(gen_random_uuid(), 'silent', 8, '0.1', now() - interval '1 h', now() - interval '1 h', 5)");
  run(db,
      fmt::format(
          "INSERT INTO embedd.usage (vectorizer_id, model, day, requests, rows, tokens, cost_usd) VALUES "
          "({0}, 'm', (now() AT TIME ZONE 'UTC')::date, 1, 2, 3, 0.5), ({0}, 'm', '2020-01-01', 10, 20, 30, "
          "1), (99, 'm', '2020-01-01', 1, 1, 1, 0)",
          v.id));
  auto status = read_status(notes.embedd_db);
  ASSERT_TRUE(status) << status.error().message;
  ASSERT_EQ(status->vectorizers.size(), 1u);
  const VectorizerStatus& s = status->vectorizers[0];
  EXPECT_FALSE(s.info.paused);
  EXPECT_EQ(s.source, "public.notes");
  EXPECT_EQ(s.jobs, 4);
  EXPECT_TRUE(s.jobs_exact);
  EXPECT_EQ(s.due, 3);
  EXPECT_EQ(s.leased, 1);
  EXPECT_EQ(s.dead_letters, 1);
  ASSERT_TRUE(s.oldest_age_seconds);
  EXPECT_GE(*s.oldest_age_seconds, 90);
  EXPECT_FALSE(s.walked_at);
  EXPECT_FALSE(s.problem);
  EXPECT_TRUE(s.reported_problems.empty());
  ASSERT_EQ(status->workers.size(), 1u);
  EXPECT_EQ(status->workers[0].hostname, "here");
  ASSERT_EQ(status->usage_today.size(), 1u);
  EXPECT_EQ(status->usage_today[0].tokens, 3);
  ASSERT_EQ(status->usage_total.size(), 2u);
  EXPECT_EQ(status->usage_total[0].vectorizer, "#99");
  EXPECT_EQ(status->usage_total[1].tokens, 33);
  EXPECT_DOUBLE_EQ(status->usage_total[1].cost_usd.value_or(-1), 1.5);
}

TEST(Status, AnEmptyQueueHasNoAge) {
  NotesDatabase notes;
  notes.vectorize();
  auto status = read_status(notes.embedd_db);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(status->vectorizers[0].jobs, 0);
  EXPECT_FALSE(status->vectorizers[0].oldest_age_seconds);
}

TEST(Status, SaysWhenASourceIsGone) {
  NotesDatabase notes;
  notes.vectorize();
  run(notes.db, "DROP TABLE notes");
  auto status = read_status(notes.embedd_db);
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_THAT(status->vectorizers[0].problem.value_or(""), HasSubstr("embedd vectorizer drop notes"));
}

TEST(EstimateRows, ComesFromStatistics) {
  NotesDatabase notes;
  const VectorizerInfo v = notes.vectorize();
  EXPECT_EQ(estimate_rows(notes.embedd_db, v), -1);
  fill(notes.db);
  run(notes.db, "ANALYZE notes");
  EXPECT_EQ(estimate_rows(notes.embedd_db, v), 4);
}

}  // namespace
}  // namespace embedd::schema
