// `embedd serve`: filters select what SQL would, and neither a name nor a value of theirs becomes SQL.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/serve_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class ServeFilters : public ServeTest {
 protected:
  void SetUp() override {
    declare_notes("");
    add_notes(20);
    sql("ALTER TABLE notes ADD price numeric(8,2), ADD day date, ADD code uuid, ADD name varchar(20), ADD "
        "\"We\"\"ird \"\"\" text");
    sql("CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')");
    sql("ALTER TABLE notes ADD mood mood");
    sql("UPDATE notes SET price = id + 0.25, day = date '2026-01-01' + id::int, code = "
        "('00000000-0000-0000-0000-0000000000' || to_char(id, 'FM00'))::uuid, name = CASE WHEN id > 5 THEN "
        "'N' || id END, "
        "mood = CASE WHEN id % 2 = 0 THEN 'happy' ELSE 'sad' END::mood, \"We\"\"ird \"\"\" = 'w' || id");
    embed_all();
    serve();
  }

  SearchReply filtered(const std::string& filter) {
    return search(fmt::format(R"({{"query": "river", "k": 100, "filter": {}}})", filter));
  }
  /// How many rows it finds.
  std::string found(const std::string& filter) {
    const SearchReply reply = filtered(filter);
    return reply.status == 200 ? at(reply.body, "/returned") : reply.body;
  }
};

TEST_F(ServeFilters, SelectWhatSqlWould) {
  struct Case {
    std::string filter, where;
  };
  const auto test = [](const char* column, const char* op, const char* value) {
    return fmt::format(R"({{"column": "{}", "op": "{}", "value": {}}})", column, op, value);
  };
  const Case cases[] = {
      {test("id", "=", "3"), "id = 3"},
      {test("id", "<>", "3"), "id <> 3"},
      {test("stars", "<", "3"), "stars < 3"},
      {test("stars", "<=", "3"), "stars <= 3"},
      {test("stars", ">", "3"), "stars > 3"},
      {test("stars", ">=", "3"), "stars >= 3"},
      {test("stars", "between", "[2, 4]"), "stars BETWEEN 2 AND 4"},
      {test("stars", "in", "[1, 5, 77]"), "stars IN (1, 5, 77)"},
      {test("stars", "in", "[]"), "false"},
      {test("stars", "not in", "[1, 5]"), "stars NOT IN (1, 5)"},
      {test("open", "=", "true"), "open"},
      {test("price", "=", "3.25"), "price = 3.25"},
      {test("price", ">", R"("10.25")"), "price > 10.25"},
      {test("day", ">=", R"("2026-01-10")"), "day >= '2026-01-10'"},
      {test("code", "in", R"(["00000000-0000-0000-0000-000000000007"])"), "id = 7"},
      {test("mood", "=", R"("happy")"), "mood = 'happy'"},
      {test("mood", ">", R"("sad")"), "mood > 'sad'"},
      {test("title", "like", R"("note 1%")"), "title LIKE 'note 1%'"},
      {test("title", "ilike", R"("NOTE _")"), "title ILIKE 'NOTE _'"},
      {test("name", "=", R"("N7")"), "name = 'N7'"},
      {test("name", "is null", "true"), "name IS NULL"},
      {test("name", "is null", "false"), "name IS NOT NULL"},
      {R"({"column": "name", "op": "is null"})", "name IS NULL"},
      {test("tags", "contains", R"(["t1"])"), "tags @> ARRAY['t1']"},
      {test("tags", "overlaps", R"(["t1", "t2"])"), "tags && ARRAY['t1', 't2']"},
      {test("meta", "contains", R"({"n": 2})"), R"(meta @> '{"n": 2}')"},
      {test(R"(We\"ird \")", "=", R"("w4")"), "id = 4"},
      {R"({"and": [)" + test("stars", ">", "2") + ", " + test("open", "=", "true") + "]}",
       "stars > 2 AND open"},
      {R"({"or": [)" + test("id", "=", "1") + ", " + test("id", "=", "2") + "]}", "id IN (1, 2)"},
      {R"({"not": )" + test("name", "=", R"("N7")") + "}", "(name = 'N7') IS NOT TRUE"},
      {R"({"not": {"or": [)" + test("id", "<", "5") + R"(, {"and": [)" + test("id", ">", "9") + "]}]}}",
       "id BETWEEN 5 AND 9"},
  };
  for (const Case& each : cases)
    EXPECT_EQ(found(each.filter), value("SELECT count(*) FROM notes WHERE " + each.where)) << each.filter;
}

TEST_F(ServeFilters, HostileValuesAreValues) {
  const std::string before = value("SELECT count(*) FROM notes");
  for (const char* hostile :
       {R"('; DROP TABLE notes; --)", R"(' OR '1'='1)", R"($1)", R"(\\'; SELECT 1; --)", R"({\"a\"})",
        R"(}}, {a,b\\)", R"(%s%n{})", R"(\u00e9\u4e2d\ud83d\ude00)", R"(\n\r\t)"}) {
    EXPECT_EQ(found(fmt::format(R"({{"column": "title", "op": "=", "value": "{}"}})", hostile)), "0")
        << hostile;
    EXPECT_EQ(found(fmt::format(R"({{"column": "title", "op": "in", "value": ["{}", "note 1"]}})", hostile)),
              "1")
        << hostile;
    EXPECT_EQ(found(fmt::format(R"({{"column": "tags", "op": "overlaps", "value": ["{}"]}})", hostile)), "0")
        << hostile;
    const SearchReply name = filtered(fmt::format(R"({{"column": "{}", "op": "=", "value": 1}})", hostile));
    EXPECT_EQ(name.status, 400) << hostile;
    EXPECT_EQ(at(name.body, "/type"), R"("urn:embedd:problem:invalid_request")") << name.body;
  }
  EXPECT_EQ(value("SELECT count(*) FROM notes"), before);
}

TEST_F(ServeFilters, WhatDoesNotFitIsSaid) {
  struct Case {
    const char *filter, *says;
  };
  const Case cases[] = {
      {R"({"column": "stras", "op": "=", "value": 1})",
       "filter: there is no column 'stras'. Did you mean 'stars'?"},
      {R"({"column": "stars", "op": "==", "value": 1})", "filter.op: must be one of =, <>"},
      {R"({"column": "stars", "op": "=", "value": true})", "give a number"},
      {R"({"column": "stars", "op": "=", "value": "many"})",
       "filter: a value does not fit its column's type"},
      {R"({"column": "stars", "op": "=", "value": 1e300})", "filter: a value does not fit its column's type"},
      {R"({"column": "stars", "op": "=", "value": null})", "use the operator \\\"is null\\\""},
      {R"({"column": "stars", "op": "=", "value": [1]})",
       "filter.value: must be a string, a number, true or false"},
      {R"({"column": "stars", "op": "=", "value": 1, "values": 2})", "filter.values: is not known here"},
      {R"({"column": "stars", "op": "="})", "filter: needs a value"},
      {R"({"column": "open", "op": "=", "value": "true"})", "give true or false"},
      {R"({"column": "title", "op": "=", "value": 5})", "give a string"},
      {R"({"column": "stars", "op": "like", "value": "1"})", "like compares text with a string"},
      {R"({"column": "stars", "op": "between", "value": [1]})", "filter.value: must be [LOWEST, HIGHEST]"},
      {R"({"column": "stars", "op": "overlaps", "value": [1]})", "is no list"},
      {R"({"column": "tags", "op": "=", "value": "t1"})", "use contains, overlaps or is null"},
      {R"({"column": "tags", "op": "contains", "value": "t1"})", "give the elements as an array"},
      {R"({"column": "embedding", "op": "=", "value": "[1]"})", "not PostgreSQL's own"},
      {R"({"column": "mood", "op": "=", "value": "furious"})",
       "filter: a value does not fit its column's type"},
      {R"({"column": "title", "op": "like", "value": "\\"})",
       "filter: a value does not fit its column's type"},
      {R"({"column": "title", "op": "=", "value": "a\u0000b"})", "must not hold the character NUL"},
      {R"({"and": []})", "filter.and: must have at least one filter"},
      {R"({"and": [{"or": [{"column": "id"}]}]})", "filter.and[0].or[0]: needs column and op"},
      {R"([])", "filter: must be an object"},
      {R"({"xor": []})", "filter.xor: is not known here"},
  };
  for (const Case& each : cases) {
    const SearchReply reply = filtered(each.filter);
    EXPECT_EQ(reply.status, 400) << each.filter << reply.body;
    EXPECT_THAT(reply.body, HasSubstr(each.says)) << each.filter;
  }
}

/// G11: whoever owns the table must not have a function of theirs run as the role that searches.
TEST_F(ServeFilters, ATypeThatItsOwnerMadeRunsNothing) {
  const std::string owner = database.name() + "_owner";
  sql("CREATE ROLE " + owner);
  sql("CREATE SCHEMA mal AUTHORIZATION " + owner);
  sql("GRANT USAGE ON SCHEMA mal TO public");
  sql("SET ROLE " + owner);
  sql("CREATE TYPE mal.number AS ENUM ('1', '2')");
  for (const char* to : {"integer", "text", "json"}) {
    sql(
        fmt::format("CREATE FUNCTION mal.as_{0}(mal.number) RETURNS {0} LANGUAGE plpgsql AS $$ BEGIN "
                    "RAISE 'it ran as %', current_user; END $$",
                    to));
    sql(fmt::format("CREATE CAST (mal.number AS {0}) WITH FUNCTION mal.as_{0}(mal.number) AS IMPLICIT", to));
  }
  sql("RESET ROLE");
  const char* const by_stars =
      R"({"query": "river", "columns": ["stars"], "filter": {"column": "stars", "op": ">", "value": 0}})";
  const char* const with_stars = R"({"query": "river", "columns": ["stars"]})";
  EXPECT_EQ(search(by_stars).status, 200);
  EXPECT_EQ(search(with_stars).status, 200);
  sql("ALTER TABLE notes ALTER stars TYPE mal.number USING '1'");
  const SearchReply numbers = search(by_stars), returned = search(with_stars);
  EXPECT_EQ(numbers.status, 400) << "an enum takes strings: " << numbers.body;
  EXPECT_EQ(at(returned.body, "/hits/0/row/stars"), R"("1")") << returned.body;
  const SearchReply strings =
      search(R"({"query": "river", "filter": {"column": "stars", "op": ">", "value": "1"}})");
  EXPECT_THAT(strings.body, HasSubstr("an operator does not fit")) << "PostgreSQL's own, or a cast's";
  sql("ALTER TABLE notes ALTER title TYPE mal.number USING '1'");
  const SearchReply text = search(with_stars);
  EXPECT_EQ(text.status, 500) << "the template reads it";
  for (const SearchReply* each : {&numbers, &returned, &strings, &text})
    EXPECT_THAT(each->body, Not(HasSubstr("raise_exception")));
  sql(fmt::format("DROP OWNED BY {0} CASCADE", owner));
  sql("DROP ROLE " + owner);
}

TEST_F(ServeFilters, AreBounded) {
  const std::string test = R"({"column": "id", "op": "=", "value": 1})";
  std::string deep = test;
  for (int i = 1; i < 8; ++i) deep = fmt::format(R"({{"not": {}}})", deep);
  EXPECT_EQ(filtered(deep).status, 200);
  EXPECT_THAT(filtered(R"({"not": )" + deep + "}").body, HasSubstr("deeper than 8 levels"));
  std::string half = test;
  for (int i = 1; i < 40; ++i) half += ", " + test;
  EXPECT_EQ(filtered(R"({"or": [)" + half + "]}").status, 200);
  EXPECT_THAT(filtered(R"({"or": [{"and": [)" + half + R"(]}, {"and": [)" + half + "]}]}").body,
              HasSubstr("more than 64 tests"));
  std::string many = "1";
  for (int i = 0; i < 1000; ++i) many += ",2";
  EXPECT_THAT(filtered(R"({"column": "id", "op": "in", "value": [)" + many + "]}").body,
              HasSubstr("must have at most 1000 elements"));
  std::string nested = "1";
  for (int i = 0; i < 2000; ++i) nested = fmt::format("[{}]", nested);
  EXPECT_EQ(filtered(nested).status, 400);
}

}  // namespace
}  // namespace embedd::test
