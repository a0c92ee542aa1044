// Whose rights an expression runs with (G11): owners of types, functions, operators and triggers who would
// like to have somebody else's; and what becomes of a session that a trigger has changed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// An ordinary role that owns a schema, its types and its tables; whatever runs in its functions writes down
/// as whom.
class Owner : public WorkerTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(run_embedd({"migrate"}).code, 0);
    role_ = database.name() + "_owner";
    sql("CREATE ROLE " + role_);
    sql("CREATE SCHEMA mal AUTHORIZATION " + role_);
    sql("GRANT USAGE ON SCHEMA mal TO public");
    as_owner("CREATE TABLE mal.loot (who text)");
    as_owner("GRANT INSERT ON mal.loot TO public");
    as_owner("CREATE TYPE mal.status AS ENUM ('open', 'closed')");
    as_owner("CREATE TYPE mal.place AS (town text, zip int)");
  }
  void TearDown() override {
    sql("RESET ROLE");
    sql(fmt::format("DROP OWNED BY {} CASCADE", role_));
    sql("DROP ROLE " + role_);
  }
  void as_owner(const std::string& statement) {
    sql("SET ROLE " + role_);
    sql(statement);
    sql("RESET ROLE");
  }
  /// A function of the owner's that takes `type` and returns `result`.
  void lay_trap(const std::string& name, const std::string& type, const std::string& result,
                const std::string& value) {
    as_owner(
        fmt::format("CREATE OR REPLACE FUNCTION mal.{}({}) RETURNS {} LANGUAGE plpgsql AS $$ BEGIN "
                    "INSERT INTO mal.loot VALUES (current_user); RETURN {}; END $$",
                    name, type, result, value));
  }
  /// An operator of the owner's between the two types, where PostgreSQL's own is to be used.
  void lay_equals(const std::string& name, const std::string& left, const std::string& right) {
    lay_trap(name, left + ", " + right, "boolean", "true");
    as_owner(fmt::format("CREATE OPERATOR public.= (FUNCTION = mal.{}, LEFTARG = {}, RIGHTARG = {})", name,
                         left, right));
  }
  void the_owner_creates_in_public() { sql("GRANT CREATE ON SCHEMA public TO " + role_); }
  void everybody_looks_in_public_first() {
    sql("ALTER DATABASE " + database.name() + " SET search_path = public, pg_catalog");
  }
  /// As whom the owner's functions have run, beside as the owner.
  std::string victims() {
    return value(fmt::format("SELECT string_agg(DISTINCT who, ' ') FROM mal.loot WHERE who <> '{}'", role_));
  }
  /// As an administrator would, in whose name the triggers then run.
  Finished create(const std::string& text, const std::vector<std::string>& more = {}) {
    std::vector<std::string> arguments{"vectorizer", "create", "docs",     "--table",  "mal.docs",
                                       "--text",     text,     "--column", "embedding"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_embedd(arguments);
  }
  std::string role_;
};

TEST_F(Owner, OfATypeRunsNothingThroughACastThatAnotherRoleFollows) {
  as_owner(
      "CREATE TABLE mal.docs (id mal.status, part int, title text, status mal.status, place mal.place, "
      "states mal.status[], embedding vector(8), PRIMARY KEY (id, part))");
  ASSERT_EQ(create("{title} {status} {place} {states}").code, 0);
  for (const char* type : {"mal.status", "mal.place", "mal.status[]"}) {
    const std::string name = fmt::format("as_text_{}", std::string(type).substr(4, 5));
    lay_trap(name, type, "text", "'trap'::text");
    if (std::string(type) != "mal.status[]")
      as_owner(fmt::format("CREATE CAST ({0} AS text) WITH FUNCTION mal.{1}({0})", type, name));
  }
  lay_trap("as_json", "mal.status", "json", "'1'::json");
  as_owner("CREATE CAST (mal.status AS json) WITH FUNCTION mal.as_json(mal.status) AS ASSIGNMENT");
  sql("SET ROLE " + role_);
  EXPECT_EQ(value("SELECT 'open'::mal.status::text"), "trap") << "the trap works";
  sql("INSERT INTO mal.docs SELECT 'open', i, 'title ' || i, 'open', ROW('Bern', 3000)::mal.place, "
      "'{open,closed}' FROM "
      "generate_series(1, 5) i");
  sql("UPDATE mal.docs SET title = 'POISON' WHERE part = 1");
  sql("UPDATE mal.docs SET status = 'closed' WHERE part = 2");
  sql("RESET ROLE");
  provider.poisons("POISON", Answer::error(400, "invalid_value"));
  EXPECT_EQ(work_once({{"EMBEDD_MAX_ATTEMPTS", "1"}}).code, 3);
  EXPECT_EQ(dead_letters(), 1);
  as_owner("UPDATE mal.docs SET title = 'mended' WHERE part = 1");
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(dead_letters(), 0);
  EXPECT_EQ(run_embedd({"search", "docs", "title"}).code, 0);
  EXPECT_EQ(run_embedd({"estimate", "docs"}).code, 0);
  as_owner("DELETE FROM mal.docs WHERE part = 3");
  as_owner("TRUNCATE mal.docs");
  EXPECT_EQ(victims(), "NULL");
}

TEST_F(Owner, SeesItsEnumsAndCompositesInTheTextAsPostgresWritesThemAndItsArraysAsLists) {
  as_owner(
      "CREATE TABLE mal.docs (id int PRIMARY KEY, status mal.status, place mal.place, tags text[], n "
      "numeric, "
      "embedding vector(8))");
  ASSERT_EQ(create("{status}|{place}|{tags}|{n}").code, 0);
  as_owner(
      "INSERT INTO mal.docs VALUES (1, 'open', ('New York', 1), '{a,\"b c\"}', 1.50), (2, NULL, NULL, NULL, "
      "NULL)");
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(provider.times_embedded("open|(\"New York\",1)|a, b c|1.50"), 1u);
  EXPECT_EQ(provider.stats().inputs, 1u) << "the second row has no text";
}

TEST_F(Owner, WhoRetypesAKeyColumnRunsNoCastAsTheDeclarerAndKeepsWriting) {
  as_owner("CREATE TABLE mal.docs (id int PRIMARY KEY, title text, embedding vector(8))");
  ASSERT_EQ(create("{title}").code, 0);
  lay_trap("as_int", "mal.status", "int", "7");
  as_owner("CREATE CAST (mal.status AS int) WITH FUNCTION mal.as_int(mal.status) AS IMPLICIT");
  as_owner("ALTER TABLE mal.docs ALTER id TYPE mal.status USING 'open'");
  as_owner("INSERT INTO mal.docs VALUES ('open', 'one')");
  as_owner("UPDATE mal.docs SET title = 'two'");
  as_owner("DELETE FROM mal.docs");
  EXPECT_EQ(victims(), "NULL");
  EXPECT_EQ(value("SELECT sqlstate FROM embedd.missed_changes"), "42804");
  EXPECT_THAT(run_embedd({"status"}).output, HasSubstr("a key column of"));
  as_owner("INSERT INTO mal.docs VALUES ('open', 'one')");
  EXPECT_EQ(work_once().code, 3);
  EXPECT_NE(run_embedd({"estimate", "docs"}).code, 0);
  EXPECT_EQ(victims(), "NULL") << "nor as the worker, nor as who asks for an estimate";
}

TEST_F(Owner, WhoRetypesATextOrAFilteredColumnRunsNoCastAsTheWorker) {
  as_owner(
      "CREATE TABLE mal.docs (id int PRIMARY KEY, title text, kind text, flag int, embedding vector(8))");
  ASSERT_EQ(create("{title} {flag}", {"--where", "kind <> 'hidden'"}).code, 0);
  as_owner("INSERT INTO mal.docs SELECT i, 'open', 'open', 1 FROM generate_series(1, 3) i");
  ASSERT_EQ(work_once().code, 0);
  as_owner("CREATE DOMAIN mal.word AS text");
  lay_trap("words", "mal.word[]", "text", "'trap'::text");
  as_owner("CREATE CAST (mal.word[] AS text) WITH FUNCTION mal.words(mal.word[]) AS IMPLICIT");
  lay_trap("as_text", "mal.status", "text", "'trap'::text");
  as_owner("CREATE CAST (mal.status AS text) WITH FUNCTION mal.as_text(mal.status) AS IMPLICIT");
  const std::pair<const char*, const char*> steps[] = {
      {"title", "mal.word[] USING ARRAY[title]::mal.word[]"},
      {"kind", "mal.status USING 'open'"},
      {"flag", "mal.status USING 'open'"},
  };
  for (const auto& [column, type] : steps) {
    as_owner(fmt::format("ALTER TABLE mal.docs ALTER {} TYPE {}", column, type));
    as_owner("INSERT INTO mal.docs (id, embedding) SELECT max(id) + 1, NULL FROM mal.docs");
    sql("UPDATE embedd.vectorizers SET walked_at = NULL");
    EXPECT_EQ(work_once().code, 3) << column;
    EXPECT_THAT(run_embedd({"check"}).output, HasSubstr("the vectorizer reads have other types now: "))
        << column;
    EXPECT_NE(run_embedd({"estimate", "docs"}).code, 0) << column;
    EXPECT_EQ(victims(), "NULL") << column;
    as_owner(fmt::format("ALTER TABLE mal.docs DROP {0}, ADD {0} {1}", column,
                         column == std::string("flag") ? "int" : "text"));
  }
}

TEST_F(Owner, OfAnOperatorDoesNotHijackAFilter) {
  as_owner("CREATE TABLE mal.docs (id int PRIMARY KEY, title text, status mal.status, embedding vector(8))");
  ASSERT_EQ(create("{title}", {"--where", "status = 'open' AND title || 'x' <> 'x'"}).code, 0);
  as_owner("INSERT INTO mal.docs SELECT i, 'title ' || i, 'open' FROM generate_series(1, 3) i");
  as_owner("INSERT INTO mal.docs VALUES (4, 'four', 'closed')");
  the_owner_creates_in_public();
  lay_equals("same", "mal.status", "mal.status");
  lay_trap("as_text", "mal.status", "text", "'trap'::text");
  as_owner("CREATE CAST (mal.status AS text) WITH FUNCTION mal.as_text(mal.status) AS ASSIGNMENT");
  everybody_looks_in_public_first();
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(victims(), "NULL");
  EXPECT_EQ(value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM mal.docs WHERE embedding IS NOT NULL"),
            "1 2 3");
}

// What is counted, adopted or estimated is compared by PostgreSQL's own operators, too.
TEST_F(Owner, OfAnOperatorDoesNotRunItWhereVectorsAreCountedAdoptedOrEstimated) {
  as_owner(
      "CREATE TABLE mal.docs (id mal.status PRIMARY KEY, title text, model varchar, embedding "
      "public.vector(8))");
  as_owner(
      "INSERT INTO mal.docs VALUES ('open', 'a', 'local-hashing-v1', '[1,0,0,0,0,0,0,0]'), "
      "('closed', 'b', 'another', '[1,0,0,0,0,0,0,0]')");
  the_owner_creates_in_public();
  lay_equals("same", "mal.status", "mal.status");
  lay_equals("same_model", "varchar", "text");
  everybody_looks_in_public_first();
  const Finished created = create("{title}", {"--model-id-column", "model", "--adopt-existing", "--endpoint",
                                              "local", "--dimensions", "8"});
  ASSERT_EQ(created.code, 0) << created.error_output;
  EXPECT_EQ(run_embedd({"estimate", "docs"}).code, 0);
  EXPECT_EQ(victims(), "NULL");
  EXPECT_EQ(value("SELECT count(*) FROM embedd.ledger_1"), "1") << "the one of the model's own";
}

TEST_F(Owner, OfWhatLooksLikePgaisTableRunsNothingWhenAVectorizerIsCreated) {
  as_owner("CREATE TABLE mal.docs (id int PRIMARY KEY, title text, embedding public.vector(8))");
  sql(fmt::format("GRANT CREATE ON DATABASE {} TO {}", database.name(), role_));
  as_owner("CREATE SCHEMA ai");
  sql("GRANT USAGE ON SCHEMA ai TO public");
  lay_trap("peek", "int", "text", "'x'");
  as_owner("CREATE VIEW ai.vectorizer AS SELECT 1 AS id, mal.peek(1) AS name");
  const Finished created = create("{title}");
  EXPECT_EQ(created.code, 0) << created.error_output;
  EXPECT_THAT(created.output + created.error_output, HasSubstr("ai.vectorizer"));
  EXPECT_EQ(victims(), "NULL");
}

TEST_F(Owner, OfAFunctionCannotBeReliedOnByAnothersFilter) {
  as_owner("CREATE TABLE mal.docs (id int PRIMARY KEY, title text, embedding vector(8))");
  lay_trap("judge", "text", "boolean", "true");
  lay_trap("alike", "text, text", "boolean", "true");
  as_owner("CREATE OPERATOR mal.=== (FUNCTION = mal.alike, LEFTARG = text, RIGHTARG = text)");
  as_owner("CREATE DOMAIN mal.word AS text CHECK (mal.judge(VALUE))");
  for (const char* where :
       {"mal.judge(title)", "title OPERATOR(mal.===) 'a'", "title::mal.word IS NOT NULL"}) {
    const Finished refused = create("{title}", {"--where", where});
    EXPECT_EQ(refused.code, 2) << where;
    EXPECT_THAT(refused.error_output, HasSubstr("its owner could replace what workers would then run"))
        << where;
  }
  const Finished scored = create("{title}", {"--score", "similarity * mal.judge(title)::int"});
  EXPECT_EQ(scored.code, 2);
  EXPECT_THAT(scored.error_output, HasSubstr("its owner could replace what workers would then run"));
  EXPECT_EQ(victims(), "NULL") << "not even tried";
  sql("CREATE FUNCTION mine(text) RETURNS boolean LANGUAGE sql AS 'SELECT $1 <> ''b'''");
  EXPECT_EQ(
      create("{title}", {"--where", "mine(title) AND vector_dims(embedding::text::vector) = 8 IS NOT FALSE"})
          .code,
      2)
      << "it reads what it writes";
  EXPECT_EQ(create("{title}", {"--where", "mine(title) AND vector_norm('[3,4]'::vector) = 5"}).code, 0);
  as_owner("INSERT INTO mal.docs VALUES (1, 'a'), (2, 'b')");
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(value("SELECT string_agg(id::text, ' ') FROM mal.docs WHERE embedding IS NOT NULL"), "1");
}

TEST_F(Owner, FiltersCostNoCallOfAFunction) {
  as_owner("CREATE TABLE mal.docs (id int PRIMARY KEY, title text, n int, embedding vector(8))");
  ASSERT_EQ(create("{title}", {"--where", "n > 5"}).code, 0);
  std::string plan;
  const pg::Rows rows = run(db, "EXPLAIN VERBOSE SELECT " +
                                    value("SELECT filter_sql FROM embedd.vectorizers") + " FROM mal.docs t");
  for (int i = 0; i < rows.size(); ++i) plan += rows.text(i, 0);
  EXPECT_THAT(plan, AllOf(HasSubstr("(n > 5)"), Not(HasSubstr("covers"))));
}

TEST_F(Owner, OfATriggerThatChangesTheSessionChangesItForNobodyElse) {
  as_owner("CREATE TABLE mal.docs (id int PRIMARY KEY, title text, embedding vector(8))");
  ASSERT_EQ(create("{title}").code, 0);
  sql("CREATE TABLE other (id int PRIMARY KEY, title text, at timestamptz, span interval, ratio float8, "
      "embedding vector(8))");
  ASSERT_EQ(run_embedd({"vectorizer", "create", "other", "--table", "other", "--text",
                        "{title} {at} {span} {ratio}", "--column", "embedding"})
                .code,
            0);
  as_owner(
      "CREATE FUNCTION mal.meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
      "PERFORM set_config('TimeZone', 'Asia/Tokyo', false), set_config('DateStyle', 'German', false), "
      "set_config('IntervalStyle', 'iso_8601', false), set_config('extra_float_digits', '-5', false), "
      "set_config('search_path', 'mal', false), set_config('statement_timeout', '1', false), "
      "set_config('default_transaction_isolation', 'serializable', false), "
      "set_config('client_encoding', 'LATIN1', false); "
      "BEGIN PERFORM set_config('role', 'pg_monitor', false); EXCEPTION WHEN OTHERS THEN NULL; END; "
      "RETURN NEW; END $$");
  as_owner("CREATE TRIGGER meddle BEFORE UPDATE ON mal.docs FOR EACH ROW EXECUTE FUNCTION mal.meddle()");
  Embedd worker = start_worker();
  for (int round = 1; round <= 5; ++round) {
    as_owner(fmt::format("INSERT INTO mal.docs VALUES ({}, 'title {}')", round, round));
    run(db,
        "INSERT INTO other SELECT i, 'größe ' || i, timestamptz '2026-01-02 03:04:05+01', '1 day 2 hours', "
        "1.0 / 3 "
        "FROM generate_series(10 * $1::int, 10 * $1::int + 5) i",
        {std::to_string(round)});
    ASSERT_TRUE(eventually([&] {
      return number("SELECT (SELECT count(*) FROM embedd.queue_1) + (SELECT count(*) FROM embedd.queue_2)") ==
             0;
    })) << worker.log();
  }
  EXPECT_EQ(value("SELECT count(*) FROM mal.docs WHERE embedding IS NULL"), "0");
  EXPECT_EQ(
      wrong_rows("SELECT id, title || ' 2026-01-02 02:04:05+00 1 day 02:00:00 0.3333333333333333', embedding "
                 "FROM other"),
      "");
  EXPECT_EQ(provider.stats().repeated_texts, 0u);
  EXPECT_EQ(worker.stop().code, 0);
}

TEST_F(Owner, SettingsOfTheDatabaseThatChangeWhileTextsAreAtTheProviderCostNothing) {
  sql("CREATE TABLE docs (id int PRIMARY KEY, at timestamptz, embedding vector(8))");
  ASSERT_EQ(run_embedd({"vectorizer", "create", "docs", "--table", "docs", "--text", "{at}", "--column",
                        "embedding"})
                .code,
            0);
  provider.hold();
  sql("INSERT INTO docs SELECT i, now() + i * interval '1 s' FROM generate_series(1, 200) i");
  Embedd worker = start_worker();
  ASSERT_TRUE(provider.wait_for([](const auto& stats) { return stats.held >= 1; })) << worker.log();
  sql("ALTER DATABASE " + database.name() + " SET timezone = 'Asia/Tokyo'");
  sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'embedd worker' AND "
      "datname = current_database()");
  provider.release();
  ASSERT_TRUE(wait_until_idle()) << worker.log();
  EXPECT_EQ(provider.stats().repeated_texts, 0u);
  EXPECT_EQ(number("SELECT count(*) FROM docs WHERE embedding IS NULL"), 0);
}

TEST_F(Owner, UnderOtherStylesStillFindsItsDeadLettersAndItsChanges) {
  as_owner(
      "CREATE TABLE mal.docs (span interval, ratio float8, during tstzrange, title text, x float8, embedding "
      "vector(8), PRIMARY KEY (span, ratio, during))");
  ASSERT_EQ(create("{title} {x}").code, 0);
  as_owner(
      "INSERT INTO mal.docs VALUES ('1 day 2 hours', 1.0 / 3, '[2026-01-02 03:04:05+01,)', 'POISON', 1), "
      "('3 days', 2.0 / 3, '[2026-01-02 03:04:05+01,)', 'POISON too', 1)");
  provider.poisons("POISON", Answer::error(400, "invalid_value"));
  EXPECT_EQ(work_once({{"EMBEDD_MAX_ATTEMPTS", "1"}}).code, 3);
  ASSERT_EQ(dead_letters(), 2);
  sql("SET intervalstyle = iso_8601");
  sql("SET extra_float_digits = -10");
  sql("SET timezone = 'Asia/Tokyo'");
  sql("SET datestyle = German");
  as_owner("UPDATE mal.docs SET title = 'good' WHERE title = 'POISON'");
  EXPECT_EQ(dead_letters(), 1);
  as_owner("DELETE FROM mal.docs WHERE title <> 'good'");
  EXPECT_EQ(dead_letters(), 0);
  EXPECT_EQ(work_once().code, 0);
  as_owner("UPDATE mal.docs SET x = x + 1e-15");
  EXPECT_EQ(jobs(), 1) << "as this session writes it, it has not changed";
}

TEST_F(Owner, CannotHaveRowsOfACompositeOrANamedObjectAsKey) {
  as_owner(
      "CREATE TABLE mal.docs (id mal.place PRIMARY KEY, title text, kind regclass, embedding vector(8))");
  EXPECT_THAT(create("{title}").error_output,
              HasSubstr("is of the composite type mal.place; name other columns"));
  as_owner("ALTER TABLE mal.docs DROP id, ADD PRIMARY KEY (kind)");
  EXPECT_THAT(create("{title}").error_output, HasSubstr("is of type regclass, which each session writes"));
  as_owner("ALTER TABLE mal.docs DROP CONSTRAINT docs_pkey, ADD id int PRIMARY KEY");
  EXPECT_THAT(create("{title} {kind}").error_output,
              HasSubstr("is of type regclass, which each session writes"));
  EXPECT_EQ(create("{title}").code, 0);
}

TEST_F(Owner, HasTextsOfExtensionsTypes) {
  sql("CREATE EXTENSION citext");
  sql("CREATE EXTENSION hstore SCHEMA mal");
  as_owner(
      "CREATE TABLE mal.docs (id int PRIMARY KEY, title public.citext, facts mal.hstore, embedding "
      "vector(8))");
  ASSERT_EQ(create("{title} {facts}").code, 0);
  as_owner("INSERT INTO mal.docs VALUES (1, 'Title', mal.hstore('a', 'b'))");
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(provider.times_embedded("Title \"a\"=>\"b\""), 1u);
  as_owner("UPDATE mal.docs SET title = 'TITLE'");
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(provider.times_embedded("TITLE \"a\"=>\"b\""), 1u) << "a change that citext's equality hides";
}

// ── Functions and roles

class Functions : public WorkerTest {};

TEST_F(Functions, AreForNobodyButWhomTheyAreGrantedTo) {
  declare_docs();
  sql("CREATE TABLE parts (id bigint PRIMARY KEY, body text, embedding vector(8)) PARTITION BY HASH (id)");
  ASSERT_EQ(run_embedd({"vectorizer", "create", "parts", "--table", "parts", "--text", "{body}", "--column",
                        "embedding", "--where", "body <> 'x'"})
                .code,
            0);
  EXPECT_EQ(value("SELECT string_agg(oid::regprocedure::text, ' ' ORDER BY oid::regprocedure::text) FROM "
                  "pg_proc WHERE pronamespace = "
                  "'embedd'::regnamespace AND has_function_privilege('public', oid, 'EXECUTE')"),
            "embedd.covers_2(text) embedd.destination_problem(bigint) embedd.exactly(anyelement,anyelement) "
            "embedd.hidden_rows(oid) embedd.json_text(json,text[]) embedd.search_sql(text) "
            "embedd.source_of(bigint) "
            "embedd.this_database() embedd.types_of(bigint)")
      << "the condition of --where, and what reads the catalog; what they tell is no secret";
  EXPECT_EQ(
      value("SELECT string_agg(DISTINCT proowner::regrole::text, ' ') FROM pg_proc WHERE pronamespace = "
            "'embedd'::regnamespace AND prosecdef AND proname NOT IN ('adopt_source', 'this_database', "
            "'forget_spending')"),
      "embedd_capture");
  EXPECT_EQ(
      value(
          "SELECT string_agg(table_name || ' ' || privilege_type, ', ' ORDER BY table_name, privilege_type) "
          "FROM information_schema.role_table_grants WHERE grantee = 'embedd_capture'"),
      "dead_letters DELETE, dead_letters SELECT, "
      "ledger_1 DELETE, ledger_1 INSERT, ledger_1 SELECT, ledger_1 TRUNCATE, ledger_1 UPDATE, "
      "ledger_2 DELETE, ledger_2 INSERT, ledger_2 SELECT, ledger_2 TRUNCATE, ledger_2 UPDATE, "
      "missed_changes INSERT, missed_changes SELECT, "
      "queue_1 DELETE, queue_1 INSERT, queue_1 SELECT, queue_1 TRUNCATE, queue_1 UPDATE, "
      "queue_2 DELETE, queue_2 INSERT, queue_2 SELECT, queue_2 TRUNCATE, queue_2 UPDATE");
  EXPECT_EQ(
      value("SELECT rolcanlogin OR rolsuper OR rolinherit AND EXISTS (SELECT FROM pg_auth_members m WHERE "
            "m.member = r.oid) FROM pg_roles r WHERE rolname = 'embedd_capture'"),
      "f");
}

TEST_F(Functions, LetARoleThatMayOnlyLookAdoptNothing) {
  declare_docs();
  const std::string role = database.name() + "_onlooker";
  sql("CREATE ROLE " + role);
  sql("GRANT USAGE ON SCHEMA embedd TO " + role);
  sql("SET ROLE " + role);
  for (const char* call : {"embedd.adopt_source(1)", "embedd.queue_state(1)",
                           "embedd.refusal('true', ROW(1))", "embedd.record_missed(1, '', '')",
                           "embedd.capture_changed_1('a', 'b')", "embedd.capture_forget_1('a')"}) {
    EXPECT_FALSE(db.exec(std::string("SELECT ") + call)) << call;
    EXPECT_EQ(db.last_sqlstate(), "42501") << call;
  }
  sql("RESET ROLE");
  sql("DROP OWNED BY " + role);
  sql("DROP ROLE " + role);
}

// ── Rows that a policy hides

class HiddenRows : public WorkerTest {};

TEST_F(HiddenRows, AreNotTakenForDeletedAndThatIsSaid) {
  EMBEDD_NOT_ON(pgbouncer, "the worker connects as another role");
  declare_docs();
  add_docs(20);
  const std::string role = database.name() + "_blind";
  sql("CREATE ROLE " + role + " LOGIN PASSWORD 'blind'");
  ASSERT_EQ(work_once().code, 0);
  const Finished grants = run_embedd({"grants", role});
  run(db, "DO $do$BEGIN " + grants.output + " END$do$");
  sql("ALTER TABLE docs ENABLE ROW LEVEL SECURITY");
  sql("CREATE POLICY seen ON docs USING (views > 0)");
  sql("UPDATE docs SET body = 'changed' WHERE slug IN ('doc-1', 'doc-2')");
  sql("UPDATE embedd.vectorizers SET walked_at = NULL");
  const Environment blind{
      {"DATABASE_URL", with_parameters(database.url(), {{"user", role}, {"password", "blind"}})}};
  const Finished once = work_once(blind);
  EXPECT_EQ(once.code, 3) << once.error_output;
  EXPECT_THAT(once.error_output, HasSubstr("BYPASSRLS"));
  EXPECT_EQ(number("SELECT count(*) FROM docs WHERE embedding IS NULL"), 0);
  EXPECT_EQ(jobs(), 2);
  const Finished checked = run_embedd({"check"}, blind);
  EXPECT_EQ(checked.code, 1);
  EXPECT_THAT(checked.output,
              HasSubstr("row-level security may hide rows of public.docs from the role " + role));
  Embedd worker = start_worker(blind);
  EXPECT_TRUE(eventually([&] {
    return run_embedd({"status"}).output.find("BYPASSRLS") != std::string::npos;
  })) << "an administrator sees all rows, and is told what the worker says";
  EXPECT_EQ(worker.stop().code, 0);
  sql("ALTER ROLE " + role + " BYPASSRLS");
  EXPECT_EQ(work_once(blind).code, 0);
  EXPECT_EQ(wrong_docs(), "");
  sql("DROP OWNED BY " + role);
  sql("DROP ROLE " + role);
}

}  // namespace
}  // namespace embedd::test
