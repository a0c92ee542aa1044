// A vectorizer's score: its owner's expression decides the order of what searches find.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "support/serve_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class Scores : public ServeTest {
 protected:
  Finished score(const std::string& expression, const std::string& name = "notes") {
    return run_embedd({"vectorizer", "score", name, expression});
  }
  void set_score(const std::string& expression, const std::string& name = "notes") {
    const Finished set = score(expression, name);
    ASSERT_EQ(set.code, 0) << set.error_output;
  }
  std::string vector_of(const std::string& query, const std::string& name = "notes") {
    const SearchReply reply = client->post(fmt::format("/v1/vectorizers/{}/embed", name),
                                           fmt::format(R"({{"query": "{}"}})", query));
    EXPECT_EQ(reply.status, 200) << reply.body;
    return at(reply.body, "/vector");
  }
  std::string keys_of(const std::string& body, const std::string& name = "notes") {
    const SearchReply reply = search(body, name);
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(at(reply.body, "/degraded"), "null") << reply.body;
    return each_hit(reply.body, "/key/id");
  }
};

TEST_F(Scores, DecideTheOrderOfTheCandidates) {
  declare_notes();
  add_notes(60);
  embed_all();
  set_score("similarity * ln(greatest(stars, 0) + 2)");
  serve();
  const std::string vector = vector_of("slow container");
  for (const bool indexed : {false, true}) {
    if (indexed) sql("CREATE INDEX ON notes USING hnsw (embedding vector_cosine_ops)");
    EXPECT_EQ(keys_of(R"({"query": "slow container", "mode": "vector", "k": 9})"),
              value(fmt::format("SELECT string_agg(id::text, ' ') FROM (SELECT id FROM notes ORDER BY (1 - "
                                "(embedding <=> '{}')) * ln(stars + 2) DESC, id LIMIT 9) t",
                                vector)));
  }
  const std::string hybrid = search(R"({"query": "slow container", "k": 2})").body;
  EXPECT_EQ(at(hybrid, "/mode"), R"("hybrid")");
  const double similarity = std::atof(at(hybrid, "/hits/0/similarity").c_str());
  EXPECT_NEAR(std::atof(at(hybrid, "/hits/0/score").c_str()), similarity * std::log(11), 1e-9) << hybrid;
  EXPECT_GT(std::atof(at(hybrid, "/hits/0/fused_score").c_str()), 0) << hybrid;
  EXPECT_THAT(client->get("/v1/vectorizers").body, HasSubstr("ln(greatest(stars, 0) + 2)"));
}

TEST_F(Scores, KeepPagesApart) {
  declare_notes();
  add_notes(60);
  embed_all();
  set_score("stars");
  serve();
  std::string all;
  for (int offset = 0; offset < 60; offset += 7)
    all += keys_of(fmt::format(R"({{"query": "river container", "k": 7, "offset": {}}})", offset)) + " ";
  EXPECT_EQ(value(fmt::format("SELECT count(*) || ' ' || count(DISTINCT k) FROM "
                              "regexp_split_to_table(trim('{}'), ' +') k",
                              all)),
            "60 60");
}

TEST_F(Scores, AreNullWhereNoVectorIsCompared) {
  declare_notes();
  add_notes(30);
  embed_all();
  serve();
  const std::string plain = keys_of(R"({"query": "slow container", "mode": "text"})");
  set_score("similarity * stars");
  const std::string text = search(R"({"query": "slow container", "mode": "text"})").body;
  EXPECT_EQ(each_hit(text, "/key/id"), plain) << "the ranks decide";
  EXPECT_EQ(at(text, "/hits/0/score"), "null");
  set_score("coalesce(similarity, 0.5) * stars");
  EXPECT_EQ(at(search(R"({"query": "slow container", "mode": "text"})").body, "/hits/0/score"), "4.5");
}

TEST_F(Scores, ThatAreNotFiniteAreNullAndComeLast) {
  declare_notes();
  add_notes(10);
  embed_all();
  set_score(
      "CASE stars WHEN 9 THEN 'NaN' WHEN 8 THEN 'Infinity' WHEN 7 THEN '-Infinity' ELSE stars::float8 END");
  serve();
  const std::string found = search(R"({"query": "river", "mode": "vector", "k": 10})").body;
  EXPECT_EQ(each_hit(found, "/score"), "6 5 4 3 2 1 0 null null null") << found;
}

TEST_F(Scores, ThatFailLeaveTheHitsInTheirUsualOrderAndSaySo) {
  declare_notes();
  add_notes(20);
  sql("UPDATE notes SET stars = stars + 1");
  embed_all();
  set_score("ln(stars)");
  sql("UPDATE notes SET stars = 0 WHERE id = 3");
  serve();
  const std::string query = R"("query": "slow container", "mode": "vector", "k": 20)";
  const SearchReply failed = search("{" + query + "}");
  ASSERT_EQ(failed.status, 200) << failed.body;
  EXPECT_EQ(at(failed.body, "/degraded/leg"), R"("score")");
  EXPECT_EQ(at(failed.body, "/degraded/reason"), R"("score_failed")");
  EXPECT_THAT(at(failed.body, "/degraded/message"),
              AllOf(HasSubstr("SQLSTATE 2201E"), HasSubstr("embedd vectorizer score notes")));
  EXPECT_EQ(at(failed.body, "/hits/0/fused_score"), "");
  const SearchReply blamed =
      search("{" + query + R"(, "filter": {"column": "stars", "op": "=", "value": "many"}})");
  EXPECT_EQ(blamed.status, 400) << blamed.body;
  EXPECT_THAT(blamed.body, HasSubstr("filter"));
  const Finished shell = run_embedd({"search", "notes", "container", "--mode", "vector"});
  EXPECT_EQ(shell.code, 0);
  EXPECT_THAT(shell.output, HasSubstr("[not in the usual order: the score of notes failed"));
  set_score("none");
  EXPECT_EQ(keys_of("{" + query + "}"), each_hit(failed.body, "/key/id"));
}

TEST_F(Scores, OfARetypedColumnAreNotComputed) {
  declare_notes();
  add_notes(5);
  embed_all();
  set_score("stars");
  sql("ALTER TABLE notes ALTER stars TYPE text USING stars::text");
  serve();
  const SearchReply reply = search(R"({"query": "river"})");
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(at(reply.body, "/degraded/leg"), R"("score")") << reply.body;
  EXPECT_EQ(score("stars").code, 2);
  set_score("stars::int");
  EXPECT_EQ(at(search(R"({"query": "river"})").body, "/degraded"), "null");
}

TEST_F(Scores, ChangeUnderARunningServer) {
  declare_notes();
  add_notes(10);
  embed_all();
  serve();
  const std::string query = R"({"query": "river", "mode": "vector", "k": 3})";
  const std::string plain = keys_of(query);
  set_score("0 - id");
  EXPECT_EQ(keys_of(query), "1 2 3");
  set_score("id");
  EXPECT_EQ(keys_of(query), "10 9 8");
  EXPECT_THAT(run_embedd({"vectorizer", "show", "notes"}).output, HasSubstr("score                 id"));
  set_score("none");
  EXPECT_EQ(keys_of(query), plain);
  EXPECT_EQ(value("SELECT to_regproc('embedd.score_1') IS NULL"), "t");
}

TEST_F(Scores, AreRefusedWhenTheyAreDeclaredIfTheyCannotWork) {
  declare_notes();
  add_notes(5);
  sql("CREATE TABLE twins (id int PRIMARY KEY, similarity int, t text, embedding vector(64))");
  ASSERT_EQ(run_embedd({"vectorizer", "create", "twins", "--table", "twins", "--text", "{t}", "--column",
                        "embedding", "--endpoint", "local"})
                .code,
            0);
  const std::pair<const char*, const char*> cases[] = {
      {"(SELECT 1)",
       "must be a number that depends on similarity and on the row's own columns: cannot use subquery"},
      {"max(stars)", "aggregate functions are not allowed"},
      {"trust", "column \"trust\" does not exist"},
      {"title", "the score 'title' must be a number, and has another type"},
      {"xmin::text::int", "system column"},
      {"stars / similarity", "for a similarity of 0, fails on a row of "},
      {"1) , (2", "must be a number"},
      {"stars, '-Infinity') IS NULL OR pg_catalog.float8larger((stars", "syntax error"},
      {"stars), '-Infinity') IS NULL OR pg_catalog.float8larger((stars", "must be one expression"},
  };
  for (const auto& [expression, expected] : cases) {
    const Finished refused = score(expression);
    EXPECT_NE(refused.code, 0) << expression;
    EXPECT_THAT(refused.error_output, HasSubstr(expected)) << expression;
  }
  EXPECT_THAT(score("similarity", "twins").error_output, HasSubstr("has a column 'similarity'"));
  EXPECT_EQ(value("SELECT count(score) FROM embedd.vectorizers"), "0");
  EXPECT_THAT(score("stars", "nots").error_output, HasSubstr("notes")) << "the nearest name";
}

TEST_F(Scores, OfAStoreAreOfEachRowsBestChunk) {
  declare_articles();
  embed_all();
  set_score("similarity * id", "articles");
  serve();
  const std::string best = fmt::format(
      "(SELECT * FROM (SELECT DISTINCT ON (a.id) a.id, s.chunk_seq, (1 - (s.embedding <=> '{}')) * a.id "
      "AS score FROM articles a JOIN articles_embedding_store s ON s.id = a.id ORDER BY a.id, score DESC, "
      "chunk_seq) b ORDER BY score DESC LIMIT 5) t",
      vector_of("rivers and water", "articles"));
  const SearchReply reply =
      search(R"({"query": "rivers and water", "mode": "vector", "k": 5, "candidates": 1000})", "articles");
  EXPECT_EQ(each_hit(reply.body, "/key/id"), value("SELECT string_agg(id::text, ' ') FROM " + best))
      << reply.body;
  EXPECT_EQ(each_hit(reply.body, "/chunk/seq"),
            value("SELECT string_agg(chunk_seq::text, ' ') FROM " + best));
}

TEST_F(Scores, StayWithTheNameWhenASuccessorTakesItsPlace) {
  declare_notes("");
  add_notes(10);
  embed_all();
  set_score("0 - id");
  ASSERT_EQ(run_embedd({"vectorizer", "change", "notes", "--text", "{body}"}).code, 0);
  embed_all();
  EXPECT_EQ(value("SELECT string_agg(score, ' ') FROM embedd.vectorizers"), "0 - id 0 - id");
  set_score("id");
  const Finished switched = run_embedd({"vectorizer", "switch", "notes"});
  ASSERT_EQ(switched.code, 0) << switched.error_output;
  serve();
  EXPECT_EQ(keys_of(R"({"query": "river", "mode": "vector", "k": 3})"), "10 9 8");
  ASSERT_EQ(run_embedd({"vectorizer", "prune", "notes"}).code, 0);
  ASSERT_EQ(run_embedd({"vectorizer", "drop", "notes"}).code, 0);
  EXPECT_EQ(value("SELECT count(*) FROM pg_proc WHERE proname LIKE 'score\\_%'"), "0");
}

TEST_F(Scores, AreInThePrintedStatement) {
  declare_notes("");
  add_notes(30);
  declare_articles();
  ASSERT_EQ(run_embedd({"vectorizer", "drop", "notes"}).code, 0);
  ASSERT_EQ(
      run_embedd({"vectorizer", "create", "notes", "--table", "notes", "--text", "{title}\\n{body}",
                  "--column", "embedding", "--endpoint", "local", "--score", "similarity * (stars + 1)"})
          .code,
      0);
  set_score("similarity * (13 - id)", "articles");
  embed_all();
  serve();
  for (const std::string name : {"notes", "articles"}) {
    sql(fmt::format("PREPARE printed AS SELECT string_agg(id::text, ' ') FROM (\n{}\n) r",
                    value(fmt::format("SELECT embedd.search_sql('{}')", name))));
    const char* words = name == "notes" ? "" : "'water', ";
    EXPECT_EQ(value(fmt::format("EXECUTE printed('{}', {}7)", vector_of("water", name), words)),
              keys_of(R"({"query": "water", "k": 7, "candidates": 200})", name));
    sql("DEALLOCATE printed");
  }
}

}  // namespace
}  // namespace embedd::test
