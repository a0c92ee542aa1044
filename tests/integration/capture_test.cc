// Change capture: which statements make jobs, for which keys, and what they leave alone.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "schema/sql_text.h"
#include "support/sample_tables.h"

namespace embedd::schema {
namespace {

using test::create;
using test::jobs;
using test::notes_spec;
using test::NotesDatabase;
using test::run;
using test::value_of;

/// Empties the queue, so that what follows is seen alone.
void settle_all(pg::Connection& db, const VectorizerInfo& v) { run(db, "DELETE FROM " + queue_table(v.id)); }

std::string ledger(pg::Connection& db, const VectorizerInfo& v) {
  return value_of(db, "SELECT coalesce(string_agg(k1 || '=' || text_hash, ' ' ORDER BY k1), '') FROM " +
                          ledger_table(v.id));
}

TEST(Capture, InsertedRowsAreEnqueuedAndNobodyButTheWorkerJudgesThem) {
  NotesDatabase notes;
  const VectorizerInfo v = notes.vectorize();
  run(notes.db,
      "INSERT INTO notes (id, title, body) VALUES (1, 'a', 'b'), (2, NULL, 'b'), (3, NULL, NULL), "
      "(4, ' \t', E'\\n'), (5, 'a', NULL)");
  EXPECT_EQ(jobs(notes.db, v), "1 2 3 4 5");
  EXPECT_EQ(value_of(notes.db, "SELECT min(priority) || ' ' || max(attempt) FROM " + queue_table(v.id)),
            "0 0");
}

TEST(Capture, CompiledTextIsTheFilledTemplate) {
  NotesDatabase notes;
  const VectorizerInfo v =
      notes.vectorize([](VectorizerSpec& spec) { spec.text = "It's {title}\\n\\\\{body}{{}}"; });
  run(notes.db, "INSERT INTO notes (id, title, body) VALUES (1, 'a', 'b'), (2, NULL, 'b'), (3, NULL, ' ')");
  auto text = [&](int id) {
    return value_of(notes.db, fmt::format("SELECT {} FROM notes t WHERE id = {}", v.text_sql, id));
  };
  EXPECT_EQ(text(1), "It's a\n\\b{}");
  EXPECT_EQ(text(2), "It's \n\\b{}");
  EXPECT_EQ(text(3), "NULL");
}

TEST(Capture, UpdatesOfTheTextAreEnqueuedAndOthersAreNot) {
  NotesDatabase notes;
  const VectorizerInfo v = notes.vectorize();
  run(notes.db, "INSERT INTO notes (id, title) SELECT i, 'title ' || i FROM generate_series(1, 4) i");
  settle_all(notes.db, v);
  run(notes.db, "UPDATE notes SET other = 5");
  run(notes.db, "UPDATE notes SET title = title, body = body");
  run(notes.db, "UPDATE notes SET model_id = 'm', embedding = embedding");
  EXPECT_EQ(jobs(notes.db, v), "");
  run(notes.db, "UPDATE notes SET embedding = '[1,2,3]' WHERE id = 1");
  run(notes.db, "UPDATE notes SET title = 'other' WHERE id = 2");
  run(notes.db, "UPDATE notes SET body = 'b' WHERE id = 3");
  run(notes.db, "UPDATE notes SET title = NULL WHERE id = 4");
  EXPECT_EQ(jobs(notes.db, v), "1 2 3 4");
}

TEST(Capture, TenThousandUpdatesOfACounterCostNothingAndStayHot) {
  NotesDatabase notes;
  pg::Connection& db = notes.db;
  run(db, "ALTER TABLE notes ADD COLUMN retrieval_count int NOT NULL DEFAULT 0");
  run(db, "ALTER TABLE notes SET (fillfactor = 50, autovacuum_enabled = off)");
  const VectorizerInfo v = notes.vectorize();
  run(db, "CREATE INDEX ON notes USING hnsw (embedding vector_cosine_ops)");
  run(db,
      "INSERT INTO notes (id, title, embedding) SELECT i, 't' || i, '[1,2,3]' FROM generate_series(1, 100) "
      "i");
  run(db, "DELETE FROM " + queue_table(v.id));
  run(db,
      "DO $$ BEGIN FOR i IN 1..1000 LOOP UPDATE notes SET retrieval_count = retrieval_count + 1 WHERE id % "
      "10 = i % 10; "
      "COMMIT; END LOOP; END $$");
  EXPECT_EQ(value_of(db, "SELECT sum(retrieval_count) FROM notes"), "10000");
  EXPECT_EQ(jobs(db, v), "");
  EXPECT_EQ(value_of(db, "SELECT count(*) FROM notes WHERE embedding IS DISTINCT FROM '[1,2,3]'"), "0");
  if (db.server_version() < 150000) return;  // older servers report their statistics later
  run(db, "SELECT pg_stat_force_next_flush()");
  EXPECT_EQ(value_of(db, "SELECT n_tup_ins FROM pg_stat_user_tables WHERE relid = '" + queue_table(v.id) +
                             "'::regclass"),
            "100")
      << "the inserted rows alone were queued";
  EXPECT_EQ(value_of(db, "SELECT n_tup_hot_upd > 5000 FROM pg_stat_user_tables WHERE relname = 'notes'"), "t")
      << value_of(
             db,
             "SELECT n_tup_hot_upd || ' of ' || n_tup_upd FROM pg_stat_user_tables WHERE relname = 'notes'");
}

TEST(Capture, AnUpdateFencesOffTheLease) {
  NotesDatabase notes;
  const VectorizerInfo v = notes.vectorize();
  run(notes.db, "INSERT INTO notes (id, title) VALUES (1, 'a')");
  run(notes.db,
      fmt::format("UPDATE {} SET lease = gen_random_uuid(), run_at = now() + interval '1 min', attempt = 3, "
                  "priority = 1, kept = '[1,2,3]', kept_hash = 1, kept_at = now()",
                  queue_table(v.id)));
  run(notes.db, "UPDATE notes SET title = 'b'");
  EXPECT_EQ(
      value_of(notes.db, fmt::format("SELECT row(lease, run_at <= now(), attempt, priority, kept, kept_hash, "
                                     "kept_at) FROM {}",
                                     queue_table(v.id))),
      "(,t,0,0,,,)");
}

TEST(Capture, ChangesThatEqualityHidesAreSeen) {
  NotesDatabase notes;
  run(notes.db,
      "CREATE COLLATION ignoring_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)");
  run(notes.db,
      "CREATE TABLE odd (id int PRIMARY KEY, a text COLLATE ignoring_case, n numeric, j json, "
      "embedding vector(3))");
  VectorizerSpec spec = notes_spec();
  spec.table = "odd";
  spec.text = "{a} {n} {j}";
  const VectorizerInfo v = create(notes.embedd_db, spec);
  run(notes.db,
      "INSERT INTO odd VALUES (1, 'abc', 1.0, '{}'), (2, 'abc', 1.0, '{}'), (3, 'abc', 1.0, '{}'), "
      "(4, 'abc', 1.0, '{}')");
  settle_all(notes.db, v);
  run(notes.db, "UPDATE odd SET a = 'ABC' WHERE id = 1");
  run(notes.db, "UPDATE odd SET n = 1.00 WHERE id = 2");
  run(notes.db, "UPDATE odd SET j = '{ }' WHERE id = 3");
  run(notes.db, "UPDATE odd SET a = 'abc', n = 1.0, j = '{}' WHERE id = 4");
  EXPECT_EQ(jobs(notes.db, v), "1 2 3");
}

TEST(Capture, ATextThatAnotherTriggerChangesIsSeen) {
  NotesDatabase notes;
  run(notes.db,
      "CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.title := 'n' || NEW.other; "
      "RETURN NEW; END$$");
  run(notes.db, "CREATE TRIGGER fill BEFORE UPDATE ON notes FOR EACH ROW EXECUTE FUNCTION fill()");
  const VectorizerInfo v = notes.vectorize();
  run(notes.db, "INSERT INTO notes (id, title) VALUES (1, 'a')");
  settle_all(notes.db, v);
  run(notes.db, "UPDATE notes SET other = 7");
  EXPECT_EQ(jobs(notes.db, v), "1");
}

TEST(Capture, AGeneratedColumnIsFollowed) {
  NotesDatabase notes;
  run(notes.db, "ALTER TABLE notes ADD COLUMN shout text GENERATED ALWAYS AS (upper(title)) STORED");
  const VectorizerInfo v = notes.vectorize([](VectorizerSpec& spec) { spec.text = "{shout}"; });
  run(notes.db, "INSERT INTO notes (id, title) VALUES (1, 'a'), (2, 'b')");
  settle_all(notes.db, v);
  run(notes.db, "UPDATE notes SET title = 'c' WHERE id = 2");
  EXPECT_EQ(jobs(notes.db, v), "2");
}

TEST(Capture, RowsThatEnterOrLeaveTheFilterAreEnqueued) {
  NotesDatabase notes;
  const VectorizerInfo v = notes.vectorize([](VectorizerSpec& spec) { spec.where = "other = 1"; });
  run(notes.db, "INSERT INTO notes (id, title, other) VALUES (1, 'a', 1), (2, 'a', 0), (3, 'a', 1)");
  EXPECT_EQ(jobs(notes.db, v), "1 2 3");
  settle_all(notes.db, v);
  run(notes.db, "UPDATE notes SET other = 1 - other WHERE id IN (1, 2)");
  EXPECT_EQ(jobs(notes.db, v), "1 2");
}

TEST(Capture, DeletedRowsLeaveNothingBehind) {
  NotesDatabase notes;
  const VectorizerInfo v = notes.vectorize();
  run(notes.db, "INSERT INTO notes (id, title) SELECT i, 'a' FROM generate_series(1, 9) i");
  run(notes.db, fmt::format("INSERT INTO {} (k1, text_hash) SELECT i, 7 FROM generate_series(1, 3) i",
                            ledger_table(v.id)));
  run(notes.db,
      fmt::format("INSERT INTO embedd.dead_letters (vectorizer_id, key, kind, message) VALUES ({0}, "
                  "'{{\"id\": 1}}', 'rejected', 'm'), ({0}, '{{\"id\": 2}}', 'rejected', 'm')",
                  v.id));
  run(notes.db, "DELETE FROM notes WHERE id <> 2");
  EXPECT_EQ(jobs(notes.db, v), "2");
  EXPECT_EQ(ledger(notes.db, v), "2=7");
  EXPECT_EQ(value_of(notes.db, "SELECT string_agg(key::text, '') FROM embedd.dead_letters"), "{\"id\": 2}");
  run(notes.db, "TRUNCATE notes");
  EXPECT_EQ(jobs(notes.db, v), "");
  EXPECT_EQ(ledger(notes.db, v), "");
  EXPECT_EQ(value_of(notes.db, "SELECT count(*) FROM embedd.dead_letters"), "0");
}

TEST(Capture, ANewTextOutlivesItsDeadLetter) {
  NotesDatabase notes;
  const VectorizerInfo v = notes.vectorize();
  run(notes.db, "INSERT INTO notes (id, title) VALUES (1, 'a')");
  settle_all(notes.db, v);
  run(notes.db, fmt::format("INSERT INTO embedd.dead_letters (vectorizer_id, key, kind, message) VALUES ({}, "
                            "'{{\"id\": 1}}', 'rejected', 'm')",
                            v.id));
  run(notes.db, "UPDATE notes SET title = 'b'");
  EXPECT_EQ(value_of(notes.db, "SELECT count(*) FROM embedd.dead_letters"), "0");
  EXPECT_EQ(jobs(notes.db, v), "1");
}

TEST(Capture, AKeyChangeTakesTheLedgerAlong) {
  NotesDatabase notes;
  const VectorizerInfo v = notes.vectorize();
  run(notes.db, "INSERT INTO notes (id, title) VALUES (1, 'a')");
  settle_all(notes.db, v);
  run(notes.db, fmt::format("INSERT INTO {} (k1, text_hash) VALUES (1, 7)", ledger_table(v.id)));
  run(notes.db, "UPDATE notes SET id = 5");
  EXPECT_EQ(jobs(notes.db, v), "5");
  EXPECT_EQ(ledger(notes.db, v), "5=7");
}

TEST(Capture, AShiftOfAllKeysLosesNoJobAndTellsNoLie) {
  NotesDatabase notes;
  run(notes.db, "ALTER TABLE notes DROP CONSTRAINT notes_pkey, ADD PRIMARY KEY (id) DEFERRABLE");
  const VectorizerInfo v = notes.vectorize();
  run(notes.db, "INSERT INTO notes (id, title) SELECT i, 'title ' || i FROM generate_series(1, 3) i");
  settle_all(notes.db, v);
  run(notes.db, fmt::format("INSERT INTO {} (k1, text_hash) SELECT i, 10 * i FROM generate_series(1, 3) i",
                            ledger_table(v.id)));
  run(notes.db, "UPDATE notes SET id = id + 1");
  // Each row under its new key has a job; a ledger row that is left tells the truth about the row that has
  // the key.
  EXPECT_EQ(jobs(notes.db, v), "2 3 4");
  EXPECT_EQ(value_of(notes.db, fmt::format("SELECT count(*) FROM {} WHERE text_hash <> 10 * (k1 - 1)",
                                           ledger_table(v.id))),
            "0");
}

TEST(Capture, KeysOfManyTypes) {
  NotesDatabase notes;
  pg::Connection& db = notes.db;
  run(db, "CREATE TYPE mood AS ENUM ('sad', 'happy')");
  run(db, "CREATE DOMAIN short AS varchar(10) CHECK (length(VALUE) < 8)");
  const struct {
    const char* type;
    const char* value;
    const char* other;
    const char* stored;  ///< the type of k1
  } cases[] = {
      {"int", "7", "8", "integer"},
      {"smallint", "7", "8", "smallint"},
      {"uuid", "00000000-0000-0000-0000-000000000007", "00000000-0000-0000-0000-000000000008", "uuid"},
      {"text", "it's \"x\"", "b", "text"},
      {"char(4)", "ab", "b", "bpchar"},
      {"varchar(9)", "ab", "b", "character varying"},
      {"mood", "sad", "happy", "public.mood"},
      {"date", "2026-01-02", "2026-01-03", "date"},
      {"timestamptz", "2026-01-02 03:04:05.678+09", "2026-01-03+00", "timestamp with time zone"},
      {"short", "seven", "eight", "character varying"},
      {"numeric(8,2)", "1.50", "2.50", "numeric"},
      {"bytea", "\\x00ff", "\\x01", "bytea"},
      {"inet", "10.0.0.1", "10.0.0.2", "inet"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.type);
    run(db,
        fmt::format(
            "CREATE TABLE \"A Table\" (\"The Key\" {} PRIMARY KEY, \"The Title\" text, embedding vector(3))",
            c.type));
    VectorizerSpec spec = notes_spec();
    spec.table = "\"A Table\"";
    spec.text = "{The Title}";
    const VectorizerInfo v = create(db, spec);
    EXPECT_THAT(v.key_types, testing::ElementsAre(c.stored));
    run(db, fmt::format("INSERT INTO \"A Table\" VALUES ($1::text::{0}, 'a'), ($2::text::{0}, 'b')", c.type),
        {c.value, c.other});
    const std::string dead = fmt::format(
        "INSERT INTO embedd.dead_letters (vectorizer_id, key, kind, message) SELECT {}, {}, 'rejected', "
        "'m' FROM {} q",
        v.id, v.key_json_sql, queue_table(v.id));
    run(db, dead);
    run(db, "SET timezone = 'Asia/Tokyo'");
    run(db,
        fmt::format("UPDATE \"A Table\" SET \"The Title\" = 'c' WHERE \"The Key\" = $1::text::{}", c.type),
        {c.value});
    EXPECT_EQ(value_of(db, "SELECT count(*) FROM embedd.dead_letters"), "1");
    run(db, fmt::format("DELETE FROM \"A Table\" WHERE \"The Key\" = $1::text::{}", c.type), {c.other});
    run(db, "RESET timezone");
    EXPECT_EQ(value_of(db, "SELECT count(*) FROM embedd.dead_letters"), "0");
    EXPECT_EQ(value_of(db, fmt::format("SELECT count(*) FROM {} q JOIN \"A Table\" t ON t.\"The Key\" = q.k1",
                                       queue_table(v.id))),
              "1");
    ASSERT_TRUE(drop_vectorizer(db, spec.name));
    run(db, "DROP TABLE \"A Table\"");
  }
}

TEST(Capture, CompositeKeysInAnySchema) {
  NotesDatabase notes;
  pg::Connection& db = notes.db;
  run(db, "CREATE SCHEMA \"My App\"");
  run(db,
      "CREATE TABLE \"My App\".\"T;\" (part text, \"N\" int, title text, embedding vector(3), "
      "PRIMARY KEY (\"N\", part))");
  VectorizerSpec spec = notes_spec();
  spec.table = "\"My App\".\"T;\"";
  spec.text = "{title}";
  const VectorizerInfo v = create(notes.embedd_db, spec);
  EXPECT_THAT(v.key_columns, testing::ElementsAre("N", "part"));
  run(db, "INSERT INTO \"My App\".\"T;\" VALUES ('a', 1, 'x'), ('b', 1, 'y'), ('a', 2, 'z')");
  EXPECT_EQ(jobs(db, v), "1/a 1/b 2/a");
  run(db, "UPDATE \"My App\".\"T;\" SET part = 'c' WHERE part = 'b'");
  run(db, "DELETE FROM \"My App\".\"T;\" WHERE \"N\" = 2");
  EXPECT_EQ(jobs(db, v), "1/a 1/b 1/c");  // the old key's job is left to the worker
  EXPECT_EQ(
      value_of(db, fmt::format("SELECT {} FROM {} q ORDER BY k2 LIMIT 1", v.key_json_sql, queue_table(v.id))),
      R"({"N": 1, "part": "a"})");
}

TEST(Capture, PartitionedTablesAndTheirPartitions) {
  NotesDatabase notes;
  pg::Connection& db = notes.db;
  run(db,
      "CREATE TABLE parts (id int, at int, title text, embedding vector(3), PRIMARY KEY (id, at)) "
      "PARTITION BY RANGE (at)");
  run(db, "CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10)");
  run(db, "CREATE TABLE parts_2 (title text, at int NOT NULL, embedding vector(3), id int NOT NULL)");
  run(db, "ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (10) TO (20)");
  VectorizerSpec spec = notes_spec();
  spec.table = "parts";
  spec.text = "{title}";
  const VectorizerInfo v = create(notes.embedd_db, spec);
  run(db, "INSERT INTO parts (id, at, title) VALUES (1, 1, 'a'), (2, 11, 'b'), (3, 1, NULL)");
  run(db, "INSERT INTO parts_2 (id, at, title) VALUES (4, 12, 'direct')");
  EXPECT_EQ(jobs(db, v), "1/1 2/11 3/1 4/12");
  settle_all(db, v);
  run(db, "UPDATE parts SET at = 15 WHERE id = 1");  // moves to the other partition
  run(db, "UPDATE parts SET title = 'c' WHERE id = 2");
  EXPECT_EQ(jobs(db, v), "1/15 2/11");
  run(db, "DELETE FROM parts WHERE id = 1");
  run(db, "DELETE FROM parts_2 WHERE id = 2");
  EXPECT_EQ(jobs(db, v), "");
  ASSERT_TRUE(drop_vectorizer(notes.embedd_db, spec.name));
}

TEST(Capture, AUserNeedsNoRightsOnTheQueue) {
  NotesDatabase notes;
  pg::Connection& db = notes.db;
  const VectorizerInfo v = notes.vectorize();
  const std::string role = notes.database.name() + "_writer";
  run(db, "CREATE ROLE " + role);
  run(db, "GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON notes TO " + role);
  run(db, "SET ROLE " + role);
  run(db, "SET search_path = pg_temp, public");
  run(db, "CREATE TEMP TABLE queue_1 (k1 bigint)");
  run(db, "INSERT INTO notes (id, title) VALUES (1, 'a'), (2, 'b'), (3, 'c')");
  run(db, "UPDATE notes SET title = 'd' WHERE id = 1");
  run(db, "DELETE FROM notes WHERE id = 2");
  run(db, "RESET ROLE");
  EXPECT_EQ(jobs(db, v), "1 3");
  run(db, "SET ROLE " + role);
  run(db, "TRUNCATE notes");
  EXPECT_FALSE(db.exec(
      fmt::format("CREATE TABLE mine (id int); CREATE TRIGGER x AFTER INSERT ON mine EXECUTE FUNCTION "
                  "embedd.capture_insert_{}()",
                  v.id)));
  run(db, "RESET ROLE");
  run(db, "DROP OWNED BY " + role);
  run(db, "DROP ROLE " + role);
}

TEST(Capture, AHugeTextCostsAQueueRowOnly) {
  NotesDatabase notes;
  const VectorizerInfo v = notes.vectorize();
  run(notes.db, "INSERT INTO notes (id, title) VALUES (1, repeat('word ', 10000000))");
  EXPECT_EQ(jobs(notes.db, v), "1");
  EXPECT_EQ(value_of(notes.db, fmt::format("SELECT length({}) FROM notes t", v.text_sql)), "65536");
}

}  // namespace
}  // namespace embedd::schema
