// What a stranger with SQL, or a row that somebody has tampered with, can do to the worker: nothing.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class Tampered : public WorkerTest {};

TEST_F(Tampered, ADamagedDeclarationStopsNoOther) {
  declare_docs();
  sql("CREATE TABLE notes (id bigint PRIMARY KEY, body text, embedding vector(8))");
  ASSERT_EQ(run_embedd({"vectorizer", "create", "notes", "--table", "notes", "--text", "{body}", "--column",
                        "embedding"})
                .code,
            0);
  add_docs(3);
  Embedd worker = start_worker();
  ASSERT_TRUE(wait_until_idle()) << worker.log();
  int round = 0;
  for (const char* damage : {"key_columns = '{{id,id},{id,id}}'", "key_columns = ARRAY[NULL]",
                             "key_types = '{}'", "key_columns = '{id,body}'", "dimensions = 2000000000"}) {
    const std::string before = value("SELECT to_jsonb(v) FROM embedd.vectorizers v WHERE name = 'notes'");
    sql(fmt::format("UPDATE embedd.vectorizers SET {} WHERE name = 'notes'", damage));
    ASSERT_TRUE(eventually([&] { return worker.logged("vectorizer_unusable") > round; }))
        << damage << worker.log();
    ++round;
    add_docs(3, fmt::format("round-{}", round));
    ASSERT_TRUE(wait_until_idle()) << worker.log();
    sql("UPDATE embedd.vectorizers SET key_columns = '{id}', key_types = '{bigint}', dimensions = 8 "
        "WHERE name = 'notes'");
    sql(fmt::format("INSERT INTO notes VALUES ({}, 'a note')", round));
    ASSERT_TRUE(eventually([&] { return value("SELECT count(*) FROM embedd.queue_2") == "0"; }))
        << worker.log();
  }
  EXPECT_EQ(worker.logged("vectorizer_unusable"), round) << "each is said once\n" << worker.log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(wrong_rows("SELECT id, body, embedding FROM notes"), "");
}

/// SQL names an endpoint and can define none: whatever the name is, it is looked up and nothing else.
TEST_F(Tampered, AnEndpointThatSqlMadeUpIsUndefinedAndGetsNothing) {
  declare_docs();
  ScriptedProvider attacker({.dimensions = kDimensions});
  for (const std::string& name :
       {attacker.base_url(), fmt::format("http://127.0.0.1:{}", attacker.port()),
        fmt::format("openai@127.0.0.1:{}", attacker.port()), std::string("openai "), std::string("OPENAI"),
        fmt::format("openai\nbase_url = \"{}\"", attacker.base_url()), std::string("${OPENAI_API_KEY}")}) {
    run(db, "UPDATE embedd.vectorizers SET endpoint = $1", {name});
    add_docs(1, fmt::format("of {}", name));
    Embedd worker = start_worker();
    ASSERT_TRUE(worker.wait_for_log("undefined")) << name << worker.log();
    EXPECT_THAT(worker.stop().error_output, Not(HasSubstr("sk-test-e2e"))) << name;
  }
  EXPECT_EQ(attacker.stats().connections, 0u);
  EXPECT_EQ(provider.stats().connections, 0u);
  EXPECT_EQ(value("SELECT count(*) FROM docs WHERE embedding IS NOT NULL"), "0");
  sql("UPDATE embedd.vectorizers SET endpoint = 'openai'");
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_docs(), "");
}

/// A role with a schema of its own, full of functions and operators that are called like PostgreSQL's, each
/// of which writes down who called it.
class Mallory : public WorkerTest {
 protected:
  void SetUp() override {
    declare_docs();
    role_ = database.name() + "_mallory";
    sql("CREATE ROLE " + role_);
    sql("GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON docs TO " + role_);
    sql("CREATE SCHEMA mallory AUTHORIZATION " + role_);
    sql("SET ROLE " + role_);
    sql("CREATE TABLE mallory.loot (what text, who text)");
    sql("GRANT INSERT ON mallory.loot TO public");
    sql("GRANT USAGE ON SCHEMA mallory TO public");
    // Exactly the types that are used: PostgreSQL prefers an exact match, if it looks there at all.
    lay("btrim", "text, text", "text", "''::text");
    lay("ltrim", "text, text", "text", "''::text");
    lay("left", "text, integer", "text", "''::text");
    lay("octet_length", "text", "integer", "0");
    lay("now", "", "timestamptz", "pg_catalog.now()");
    lay("set_config", "text, text, boolean", "text", "''::text");
    lay("current_setting", "text, boolean", "text", "'off'::text");
    lay("pg_notify", "text, text", "void", "NULL::void");
    lay("jsonb_build_object", "text, text", "jsonb", "'{}'::jsonb");
    lay("jsonb_build_object", "text, varchar", "jsonb", "'{}'::jsonb");
    lay("make_interval", "secs double precision", "interval", "'0'::interval");
    lay("hashtextextended", "text, bigint", "bigint", "0::bigint");
    for (const char* type : {"text", "varchar", "bigint", "smallint", "integer", "uuid", "jsonb"}) {
      lay(fmt::format("same_{}", type), fmt::format("{0}, {0}", type), "boolean", "true");
      sql(fmt::format(
          "CREATE OPERATOR mallory.= (FUNCTION = mallory.same_{0}, LEFTARG = {0}, RIGHTARG = {0})", type));
      sql(fmt::format(
          "CREATE OPERATOR mallory.<> (FUNCTION = mallory.same_{0}, LEFTARG = {0}, RIGHTARG = {0})", type));
    }
    lay("joined", "text, text", "text", "''::text");
    sql("CREATE OPERATOR mallory.|| (FUNCTION = mallory.joined, LEFTARG = text, RIGHTARG = text)");
    sql("RESET ROLE");
  }
  void TearDown() override {
    sql("RESET ROLE");
    sql("RESET search_path");
    sql(fmt::format("DROP OWNED BY {} CASCADE", role_));
    sql("DROP ROLE " + role_);
  }
  void lay(const std::string& name, const std::string& arguments, const std::string& type,
           const std::string& result) {
    sql(
        fmt::format("CREATE FUNCTION mallory.\"{0}\"({1}) RETURNS {2} LANGUAGE plpgsql AS $$ BEGIN "
                    "INSERT INTO mallory.loot VALUES ('{0}', current_user); {3}; END $$",
                    name, arguments, type, type == "void" ? "RETURN" : "RETURN " + result));
  }
  std::string role_;
};

TEST_F(Mallory, TheTriggersOfOthersCallNoneOfTheirFunctions) {
  sql("SET ROLE " + role_);
  sql("SET search_path = mallory, pg_temp, pg_catalog, public");
  EXPECT_EQ(value("SELECT 'a'::text = 'b'::text"), "t") << "the trap works";
  EXPECT_EQ(value("SELECT who FROM mallory.loot LIMIT 1"), role_);
  sql("TRUNCATE mallory.loot");
  sql("INSERT INTO docs (slug, title, body) VALUES ('a', 'one', 'two'), ('b', NULL, 'two')");
  sql("UPDATE docs SET title = 'three' WHERE slug OPERATOR(pg_catalog.=) 'a'");
  sql("SET embedd.settles = 'x'");
  sql("UPDATE docs SET embedding = pg_catalog.array_fill(1, ARRAY[8])::public.vector WHERE slug "
      "OPERATOR(pg_catalog.=) 'a'");
  sql("UPDATE docs SET slug = 'c' WHERE slug OPERATOR(pg_catalog.=) 'b'");
  sql("DELETE FROM docs WHERE slug OPERATOR(pg_catalog.=) 'c'");
  sql("RESET ROLE");
  sql("RESET search_path");
  EXPECT_EQ(
      value(fmt::format("SELECT string_agg(DISTINCT what, ' ') FROM mallory.loot WHERE who <> '{}'", role_)),
      "NULL");
  EXPECT_EQ(value("SELECT string_agg(k1, ' ' ORDER BY k1) FROM embedd.queue_1"), "a b")
      << "the worker learns from b's job that its row is gone";
  sql("SET ROLE " + role_);
  sql("SET search_path = mallory, pg_temp, pg_catalog, public");
  sql("TRUNCATE docs");
  sql("RESET ROLE");
  sql("RESET search_path");
  EXPECT_EQ(jobs(), 0);
  EXPECT_EQ(value(fmt::format("SELECT count(*) FROM mallory.loot WHERE who <> '{}'", role_)), "0");
}

/// The worker's statements are its own, but run under the search_path of its role or database, which may name
/// a schema where others can create (PostgreSQL 14's public).
TEST_F(Mallory, TheWorkerCallsNoneOfTheirFunctionsEither) {
  sql("CREATE TABLE short (id varchar(20) PRIMARY KEY, body varchar(100), embedding vector(8))");
  ASSERT_EQ(run_embedd({"vectorizer", "create", "short", "--table", "short", "--text", "{body}", "--column",
                        "embedding"})
                .code,
            0);
  add_docs(5);
  sql("INSERT INTO short SELECT 'id ' || i, 'text ' || i FROM generate_series(1, 5) i");
  sql("INSERT INTO short VALUES ('bad', 'POISON'), ('blank', ' ')");
  sql("UPDATE short SET embedding = array_fill(1, ARRAY[8])::vector WHERE id = 'blank'");
  provider.poisons("POISON", Answer::error(400, "invalid_value"));
  sql(fmt::format("ALTER DATABASE {} SET search_path = public, mallory", database.name()));
  const Finished run = work_once({{"EMBEDD_MAX_ATTEMPTS", "1"}});
  EXPECT_EQ(run.code, 3) << run.error_output;
  EXPECT_EQ(dead_letters(), 1);
  EXPECT_EQ(value("SELECT string_agg(DISTINCT what, ' ') FROM mallory.loot"), "NULL");
  EXPECT_EQ(wrong_docs(), "");
}

/// A function of the same name for the domain itself would be the better match.
TEST_F(Mallory, AVectorOfADomainIsReadByNoFunctionOfTheDomain) {
  sql("CREATE DOMAIN boxed AS vector(8)");
  sql("CREATE FUNCTION vector_send(boxed) RETURNS bytea LANGUAGE plpgsql AS "
      "$$BEGIN INSERT INTO mallory.loot VALUES ('send', current_user); RETURN ''; END$$");
  sql("CREATE TABLE boxes (id bigint PRIMARY KEY, body text, embedding boxed)");
  ASSERT_EQ(run_embedd({"vectorizer", "create", "boxes", "--table", "boxes", "--text", "{body}", "--column",
                        "embedding"})
                .code,
            0);
  sql("INSERT INTO boxes SELECT i, 'text ' || i FROM generate_series(1, 3) i");
  EXPECT_EQ(work_once().code, 0);
  sql("UPDATE boxes SET embedding = array_fill(1, ARRAY[8])::vector WHERE id = 1");
  sql("UPDATE embedd.vectorizers SET walked_at = NULL");
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(number("SELECT count(embedding) FROM boxes"), 3);
  EXPECT_EQ(value("SELECT string_agg(DISTINCT what, ' ') FROM mallory.loot"), "NULL");
}

/// Triggers of the table's owner run in the worker's session when it writes, and name things as everywhere.
TEST_F(Mallory, AUsersTriggersFindTheirOwnNames) {
  sql("CREATE TABLE audit (slug text)");
  sql("GRANT INSERT ON audit TO PUBLIC");
  sql("CREATE FUNCTION note_it(text) RETURNS void LANGUAGE sql AS 'INSERT INTO audit VALUES ($1)'");
  sql("CREATE FUNCTION audit_docs() RETURNS trigger LANGUAGE plpgsql AS "
      "'BEGIN PERFORM note_it(NEW.slug); RETURN NEW; END'");
  sql("CREATE TRIGGER audit AFTER UPDATE ON docs FOR EACH ROW EXECUTE FUNCTION audit_docs()");
  add_docs(3);
  const Finished run = work_once();
  EXPECT_EQ(run.code, 0) << run.error_output;
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(value("SELECT count(DISTINCT slug) FROM audit"), "3");
}

TEST_F(Mallory, EveryFunctionIsPinned) {
  sql("CREATE TABLE parts (id bigint PRIMARY KEY, body text, embedding vector(8)) PARTITION BY HASH (id)");
  ASSERT_EQ(run_embedd({"vectorizer", "create", "parts", "--table", "parts", "--text", "{body}", "--column",
                        "embedding"})
                .code,
            0);
  EXPECT_EQ(number("SELECT count(*) FROM pg_proc WHERE pronamespace = 'embedd'::regnamespace AND prosecdef"),
            13);
  EXPECT_EQ(value("SELECT string_agg(proname, ' ') FROM pg_proc WHERE pronamespace = 'embedd'::regnamespace "
                  "AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (proconfig), false)"),
            "capture_update_1 capture_update_2 capture_vector_1 capture_vector_2 json_text text_of")
      << "which name every function and operator with its schema, and are called for every row";
  EXPECT_EQ(value("SELECT string_agg(proname, ' ') FROM pg_proc WHERE pronamespace = 'embedd'::regnamespace "
                  "AND prosecdef AND has_function_privilege('public', oid, 'EXECUTE')"),
            "this_database")
      << "which takes nothing and tells nothing but which database this is";
}

}  // namespace
}  // namespace embedd::test
