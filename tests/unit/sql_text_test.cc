// Quoting, and the expressions compiled from a template and a key.
#include "schema/sql_text.h"
#include "pg/quoting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace embedd::schema {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(SqlText, QuotesWhateverAPersonNamesAThing) {
  EXPECT_EQ(pg::quote_identifier("title"), R"("title")");
  EXPECT_EQ(pg::quote_identifier(R"(a"; DROP TABLE x; --)"), R"("a""; DROP TABLE x; --")");
  EXPECT_EQ(pg::quote_literal("it's"), "'it''s'");
  EXPECT_EQ(pg::quote_literal("a\\'b"), "E'a\\\\''b'");
  EXPECT_EQ(pg::quote_qualified("My", "Table"), R"("My"."Table")");
  EXPECT_EQ(pg::array_literal({"a", "b,c", "\"", "\\"}), R"({"a","b,c","\"","\\"})");
}

TEST(SqlText, EveryColumnIsCutAndCoalesced) {
  const std::string sql = compile_text(*parse_template("{title}: {body}"));
  EXPECT_THAT(
      sql,
      HasSubstr(R"(coalesce(pg_catalog."left"(t."title"::pg_catalog.text COLLATE pg_catalog."C", 65536), ''))"
                R"( OPERATOR(pg_catalog.||) ': '::pg_catalog.text OPERATOR(pg_catalog.||) )"));
  EXPECT_THAT(sql, HasSubstr("THEN NULL"));
}

TEST(SqlText, AForeignTypesValueIsWrittenByItsOutputFunctionAndNeverCast) {
  const std::string sql = compile_text(*parse_template("{title} {status}"), {.foreign = {"status"}});
  EXPECT_THAT(sql, HasSubstr(R"(pg_catalog.format('%s', t."status") COLLATE)"));
  EXPECT_THAT(sql, Not(HasSubstr(R"(t."status"::)")));
  EXPECT_EQ(compile_key_json({"id", "mood"}, {"bigint", "public.mood"}, {"mood"}),
            "pg_catalog.jsonb_build_object('id', q.k1, 'mood', pg_catalog.format('%s', q.k2))");
}

TEST(SqlText, AnArrayIsAListWhoeverOwnsTheTypeOfItsElements) {
  const std::string sql = compile_text(*parse_template("{tags}"), {.foreign = {"tags"}, .arrays = {"tags"}});
  EXPECT_THAT(sql, HasSubstr(R"(pg_catalog.array_to_string(t."tags", ', ') COLLATE)"));
  EXPECT_THAT(sql, Not(HasSubstr(R"(t."tags"::)")));
}

TEST(SqlText, KeysAreLiterals) {
  const std::string sql = compile_text(*parse_template("{meta->it's->b}"));
  EXPECT_THAT(sql, HasSubstr("pg_catalog.jsonb_extract_path_text(t.\"meta\", VARIADIC ARRAY['it''s', "
                             "'b']::pg_catalog.text[]) COLLATE"));
}

TEST(SqlText, OnlyATextWithOptionalPartsIsStripped) {
  EXPECT_THAT(compile_text(*parse_template("{?a}A {a}{/}")), HasSubstr("pg_catalog.btrim("));
  EXPECT_THAT(compile_text(*parse_template("A {a}")), Not(HasSubstr("btrim(")));
}

TEST(SqlText, AConstantCannotLeaveItsLiteral) {
  const std::string sql = compile_text(*parse_template("{a}' || (SELECT secret) || '"));
  EXPECT_THAT(sql, HasSubstr("''' || (SELECT secret) || '''"));
}

TEST(SqlText, AKeyInJsonDoesNotDependOnTheSession) {
  EXPECT_EQ(compile_key_json({"id"}, {"bigint"}), "pg_catalog.jsonb_build_object('id', q.k1)");
  EXPECT_EQ(compile_key_json({"it's", "b"}, {"text", "uuid"}),
            "pg_catalog.jsonb_build_object('it''s', q.k1, 'b', q.k2)");
  EXPECT_THAT(compile_key_json({"at"}, {"timestamp with time zone"}), HasSubstr("AT TIME ZONE 'UTC'"));
  EXPECT_THAT(compile_key_json({"at"}, {"timestamp(3) with time zone"}), HasSubstr("AT TIME ZONE 'UTC'"));
  EXPECT_THAT(compile_key_json({"at"}, {"timestamp without time zone"}), Not(HasSubstr("UTC")));
  EXPECT_THAT(compile_key_json({"at"}, {"bytea"}), HasSubstr("encode(q.k1, 'hex')"));
}

}  // namespace
}  // namespace embedd::schema
