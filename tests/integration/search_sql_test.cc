// embedd.search_sql(): the statement that it prints finds what the service finds, and runs for any role.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "support/serve_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class SearchSql : public ServeTest {
 protected:
  std::string statement(const std::string& name) {
    return value(fmt::format("SELECT embedd.search_sql('{}')", name));
  }
  /// Why no statement is printed.
  std::string refusal(const std::string& name) {
    sql("CREATE OR REPLACE FUNCTION pg_temp.said(name text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN "
        "embedd.search_sql(name); EXCEPTION WHEN raise_exception THEN RETURN 'refused: ' || SQLERRM; END $$");
    return value(fmt::format("SELECT pg_temp.said('{}')", name));
  }
  /// What `expression`, over a row r, is of each row that the printed statement returns.
  std::string run_printed(const std::string& name, const std::string& expression,
                          const std::string& arguments) {
    sql(fmt::format("PREPARE printed AS SELECT string_agg(({})::text, ' ') FROM (\n{}\n) r", expression,
                    statement(name)));
    std::string found = value(fmt::format("EXECUTE printed({})", arguments));
    sql("DEALLOCATE printed");
    return found;
  }
  std::string vector_of(const std::string& query, const std::string& name) {
    const SearchReply reply = client->post(fmt::format("/v1/vectorizers/{}/embed", name),
                                           fmt::format(R"({{"query": "{}"}})", query));
    EXPECT_EQ(reply.status, 200) << reply.body;
    return fmt::format("'{}'", at(reply.body, "/vector"));
  }
  std::string found(const std::string& query, const std::string& name, int k, const char* key = "/key/id") {
    const SearchReply reply = search(fmt::format(R"({{"query": "{}", "k": {}}})", query, k), name);
    EXPECT_EQ(reply.status, 200) << reply.body;
    std::string keys = each_hit(reply.body, key);
    std::erase(keys, '"');
    return keys;
  }
};

TEST_F(SearchSql, FindsWhatTheServiceFinds) {
  declare_notes();
  add_notes(30);
  embed_all();
  serve();
  const std::string printed = statement("notes");
  EXPECT_THAT(printed, StartsWith("-- A search of public.notes. $1: the query's vector by the model "
                                  "local-hashing-v1, such as '[0.1,0.2]'; $2: the query's words; $3: how "
                                  "many rows.\n"));
  EXPECT_THAT(printed, Not(HasSubstr("hnsw"))) << "there is no vector index";
  for (const std::string query : {"slow container", "river 7"})
    EXPECT_EQ(run_printed("notes", "id", fmt::format("{}, '{}', 7", vector_of(query, "notes"), query)),
              found(query, "notes", 7));
}

TEST_F(SearchSql, IsTheSameWhateverASessionTakesForAnEscape) {
  declare_notes();
  ASSERT_EQ(run_embedd({"vectorizer", "score", "notes", "similarity * stars"}).code, 0);
  const std::string printed = statement("notes");
  sql("SET escape_string_warning = off");
  sql("SET standard_conforming_strings = off");
  EXPECT_EQ(statement("notes"), printed);
  EXPECT_THAT(printed, HasSubstr("ORDER BY f.own DESC NULLS LAST, f.score DESC, f.k1 LIMIT"));
}

TEST_F(SearchSql, ByMeaningAloneWithoutAnIndexForWords) {
  declare_notes("");
  add_notes(30);
  embed_all();
  serve();
  EXPECT_THAT(statement("notes"), HasSubstr("$2: how many rows"));
  EXPECT_EQ(run_printed("notes", "id", vector_of("slow container", "notes") + ", 7"),
            found("slow container", "notes", 7));
  find_words("notes", "english");
  sql("DROP INDEX embedd_text_1");
  EXPECT_THAT(
      statement("notes"),
      HasSubstr("-- By meaning alone, because table public.notes has no valid index embedd_text_1.\n"));
}

TEST_F(SearchSql, OfAStoreFindsEachRowOnceByItsBestChunk) {
  declare_articles();
  embed_all();
  serve();
  EXPECT_EQ(run_printed("articles", "id",
                        vector_of("article 7 mountains", "articles") + ", 'article 7 mountains', 7"),
            found("article 7 mountains", "articles", 7));
  EXPECT_EQ(run_printed("articles", "chunk_seq", vector_of("water", "articles") + ", 'water', 7"),
            found("water", "articles", 7, "/chunk/seq"));
}

TEST_F(SearchSql, OfHalfPrecisionNamesTheIndexedExpression) {
  declare_notes("");
  add_notes(30);
  embed_all();
  serve();
  const Finished indexed = run_embedd({"vectorizer", "reindex", "notes", "--index", "halfvec", "--now"});
  ASSERT_EQ(indexed.code, 0) << indexed.error_output;
  EXPECT_THAT(statement("notes"), HasSubstr("SET LOCAL hnsw.ef_search = 200"));
  EXPECT_EQ(run_printed("notes", "id", vector_of("slow container", "notes") + ", 7"),
            found("slow container", "notes", 7));
  sql("SET plan_cache_mode = force_generic_plan");
  sql("SET enable_seqscan = off");
  sql("PREPARE printed AS " + statement("notes"));
  std::string plan;
  const auto lines = db.exec("EXPLAIN EXECUTE printed(" + vector_of("river", "notes") + ", 7)");
  for (int i = 0; lines && i < lines->size(); ++i) plan += lines->text(i, 0) + "\n";
  EXPECT_THAT(plan, HasSubstr("embedd_1_halfvec"));
}

TEST_F(SearchSql, AnyNamesAndAConditionWithAComment) {
  sql(R"(CREATE SCHEMA "it's")");
  sql("CREATE EXTENSION IF NOT EXISTS vector");
  sql(R"sql(CREATE TABLE "it's"."a ""table""" ("k1" text, "score" int, "words" text, "dist%%s %ance" vector(64), PRIMARY KEY ("score", "k1")))sql");
  sql(R"sql(INSERT INTO "it's"."a ""table""" SELECT 'x' || i, i, 'a fast river ' || i FROM generate_series(1, 9) i)sql");
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  const Finished created =
      run_embedd({"vectorizer", "create", "odd", "--table", R"("it's"."a ""table""")", "--text", "{words}",
                  "--column", "dist%%s %ance", "--endpoint", "local", "--where", "score > 3 -- the newest"});
  ASSERT_EQ(created.code, 0) << created.error_output;
  find_words("odd", "english");
  embed_all();
  serve();
  EXPECT_EQ(run_printed("odd", "words", vector_of("river 5", "odd") + ", 'river 5', 1"), "a fast river 5");
  EXPECT_EQ(run_printed("odd", "k1", vector_of("river 2", "odd") + ", 'river 2', 9"),
            found("river 2", "odd", 9, "/key/k1"));
}

TEST_F(SearchSql, ANameDoesNotLeaveItsComment) {
  declare_notes("");
  sql("ALTER TABLE notes RENAME TO \"notes\rx\ny\"");
  sql("UPDATE embedd.vectorizers SET text_search = 'pg_catalog.english', model = E'a\\rb\\nc'");
  std::string comments = statement("notes");
  comments.resize(comments.find("WITH near"));
  EXPECT_EQ(std::ranges::count(comments, '\n'), 3) << comments;
  EXPECT_EQ(std::ranges::count(comments, '\r'), 0) << comments;
}

TEST_F(SearchSql, NeedsNoPrivilegeOnTheSchema) {
  declare_notes();
  add_notes(9);
  embed_all();
  serve();
  const std::string printed = statement("notes"), vector = vector_of("river", "notes");
  sql("CREATE ROLE reader");
  sql("GRANT SELECT ON notes TO reader");
  sql("SET ROLE reader");
  sql("PREPARE printed AS SELECT count(*) FROM (\n" + printed + "\n) r");
  EXPECT_EQ(value("EXECUTE printed(" + vector + ", 'river', 5)"), "5");
  sql("RESET ROLE");
  sql("DROP OWNED BY reader");
  sql("DROP ROLE reader");
}

TEST_F(SearchSql, SaysWhatIsMissing) {
  declare_notes();
  EXPECT_THAT(refusal("nots"), HasSubstr("refused: there is no vectorizer 'nots'"));
  sql("ALTER TABLE notes RENAME COLUMN embedding TO e");
  EXPECT_THAT(refusal("notes"),
              HasSubstr("table public.notes has no column embedding of type vector any more"));
}

}  // namespace
}  // namespace embedd::test
