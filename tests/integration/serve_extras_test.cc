// `embedd serve`: rows like a row, marked words, counts of values, chunks next to a hit's.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/serve_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ServeSimilar : public ServeTest {};

TEST_F(ServeSimilar, FindsRowsLikeARowWithoutEmbeddingAnything) {
  declare_notes("english", "openai");
  add_notes(40);
  embed_all();
  const auto bought = provider.stats().requests;
  serve({{"OPENAI_API_KEY", ""}});
  const std::string nearest = value(
      "SELECT string_agg(id::text, ' ') FROM (SELECT id FROM notes WHERE id <> 7 ORDER BY embedding <=> "
      "(SELECT embedding FROM notes WHERE id = 7), id LIMIT 5) t");
  for (const bool indexed : {false, true}) {
    if (indexed) sql("CREATE INDEX ON notes USING hnsw (embedding vector_cosine_ops)");
    const SearchReply reply = search(R"({"similar_to": {"id": 7}, "k": 5})");
    ASSERT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(each_hit(reply.body, "/key/id"), nearest);
    EXPECT_EQ(at(reply.body, "/mode"), R"("vector")");
    EXPECT_EQ(at(reply.body, "/degraded"), "null");
  }
  const std::string filtered =
      search(R"({"similar_to": {"id": 7}, "k": 50, "filter": {"column": "id", "op": "<", "value": 10}})")
          .body;
  EXPECT_EQ(at(filtered, "/returned"), "8") << "without the row itself";
  EXPECT_EQ(provider.stats().requests, bought);
}

TEST_F(ServeSimilar, UsesTheIndex) {
  EMBEDD_NOT_ON(pgbouncer, "it keeps connections from before the database's settings change");
  declare_notes();
  add_notes(3000);
  embed_all();
  sql("CREATE INDEX ON notes USING hnsw (embedding vector_cosine_ops)");
  sql("ANALYZE notes");
  sql(fmt::format("ALTER DATABASE {} SET enable_seqscan = off", database.name()));
  serve();
  const SearchReply reply = search(R"({"similar_to": {"id": 7}, "k": 5, "explain": true})");
  EXPECT_THAT(at(reply.body, "/explain/plan"), HasSubstr("notes_embedding_idx")) << reply.body;
}

TEST_F(ServeSimilar, GoesWithWords) {
  declare_notes();
  add_notes(30);
  embed_all();
  serve();
  const SearchReply reply = search(R"({"similar_to": {"id": 3}, "query": "\"note 10\"", "k": 30})");
  EXPECT_EQ(at(reply.body, "/mode"), R"("hybrid")") << reply.body;
  EXPECT_THAT(each_hit(reply.body, "/key/id"), HasSubstr("10"));
  EXPECT_THAT(" " + each_hit(reply.body, "/key/id") + " ", Not(HasSubstr(" 3 ")));
  EXPECT_EQ(each_hit(search(R"({"similar_to": {"id": 10}, "query": "\"note 10\"", "k": 1})").body, "/ranks"),
            R"({"vector":1})")
      << "no leg proposes the row itself";
}

TEST_F(ServeSimilar, SaysWhichRowItCannotUse) {
  declare_notes();
  add_notes(3);
  embed_all();
  sql("INSERT INTO notes (id, title) VALUES (50, 'later')");
  serve();
  const SearchReply waiting = search(R"({"similar_to": {"id": 50}})");
  EXPECT_EQ(waiting.status, 409) << waiting.body;
  EXPECT_EQ(at(waiting.body, "/type"), R"("urn:embedd:problem:no_vector")");
  const SearchReply none = search(R"({"similar_to": {"id": 51}})");
  EXPECT_EQ(none.status, 404) << none.body;
  EXPECT_THAT(none.body, HasSubstr("there is no such row"));
  const std::pair<const char*, const char*> cases[] = {
      {R"({"similar_to": {}})", "similar_to"},
      {R"({"similar_to": 5})", "similar_to"},
      {R"({"similar_to": {"title": "note 1"}})", "similar_to.title"},
      {R"({"similar_to": {"id": 1, "title": "note 1"}})", "similar_to.title"},
      {R"({"similar_to": {"id": "x"}})", "similar_to"},
      {R"({"similar_to": {"id": true}})", "similar_to.id"},
      {R"({"similar_to": {"id": null}})", "similar_to.id"},
      {R"({"similar_to": {"id": "99999999999999999999999"}})", "similar_to"},
      {R"({"similar_to": {"id": 1}, "vector": [1]})", "similar_to"},
      {R"({"similar_to": {"id": 1}, "query": "a", "mode": "text"})", "similar_to"},
  };
  for (const auto& [body, field] : cases) {
    const SearchReply reply = search(body);
    EXPECT_EQ(reply.status, 400) << body << reply.body;
    EXPECT_EQ(at(reply.body, "/errors/0/field"), fmt::format("\"{}\"", field)) << reply.body;
  }
}

TEST_F(ServeSimilar, TakesTheWholeOfACompositeKey) {
  sql("CREATE EXTENSION IF NOT EXISTS vector");
  sql("CREATE TABLE parts (shop text, nr int, title text, embedding vector(64), PRIMARY KEY (shop, nr))");
  sql("INSERT INTO parts SELECT s, i, 'part ' || i || ' of ' || s FROM unnest(ARRAY['a''b', 'c']) s, "
      "generate_series(1, 5) i");
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  ASSERT_EQ(run_embedd({"vectorizer", "create", "parts", "--table", "parts", "--text", "{title}", "--column",
                        "embedding", "--endpoint", "local"})
                .code,
            0);
  embed_all();
  serve();
  const SearchReply reply = search(R"({"similar_to": {"nr": 2, "shop": "a'b"}, "k": 20})", "parts");
  EXPECT_EQ(at(reply.body, "/returned"), "9") << reply.body;
  EXPECT_THAT(search(R"({"similar_to": {"nr": 2}})", "parts").body,
              HasSubstr("each column of the key: shop, nr"));
}

/// The mean of the chunks' vectors stands for the row.
TEST_F(ServeSimilar, OfAStoreComparesTheRowsChunks) {
  declare_articles();
  embed_all();
  serve();
  const SearchReply reply = search(R"({"similar_to": {"id": 2}, "k": 5, "candidates": 500})", "articles");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(
      each_hit(reply.body, "/key/id"),
      value("SELECT string_agg(id::text, ' ' ORDER BY d, id) FROM (SELECT id, min(embedding <=> (SELECT "
            "avg(embedding) FROM articles_embedding_store WHERE id = 2)) AS d FROM "
            "articles_embedding_store WHERE id <> 2 GROUP BY id ORDER BY d, id LIMIT 5) t"));
  EXPECT_EQ(search(R"({"similar_to": {"id": 77}})", "articles").status, 404);
  sql("INSERT INTO articles VALUES (77, 'New', 'no worker has seen it', 'wet')");
  EXPECT_EQ(search(R"({"similar_to": {"id": 77}})", "articles").status, 409);
}

class ServeHighlight : public ServeTest {};

TEST_F(ServeHighlight, MarksTheQuerysWords) {
  declare_notes();
  add_notes(3);
  embed_all();
  serve();
  const auto ask = [&](const char* highlight) {
    const SearchReply reply =
        search(fmt::format(R"({{"query": "containers starting", "k": 1, "highlight": {}}})", highlight));
    EXPECT_EQ(reply.status, 200) << reply.body;
    return at(reply.body, "/hits/0/highlight");
  };
  EXPECT_THAT(ask("true"), HasSubstr("the slow <mark>start</mark> of a <mark>container</mark>"));
  EXPECT_THAT(ask(R"({"start": "**", "end": "**"})"), HasSubstr("slow **start** of a **container**"));
  EXPECT_EQ(ask("false"), "");
  const std::string by_vector =
      search(R"({"query": "start", "mode": "vector", "k": 1, "highlight": true})").body;
  EXPECT_THAT(at(by_vector, "/hits/0/highlight"), HasSubstr("<mark>start</mark>"));
}

TEST_F(ServeHighlight, LetsNoMarkupThrough) {
  declare_notes();
  sql("INSERT INTO notes (id, title, body) VALUES (1, 'a & b', E'zanzibar \"x\" & ''y'' < z > \\x01 \\x02 "
      "<script>alert(1)</script> <img src=x onerror=alert(1)> &lt;i&gt;')");
  embed_all();
  serve();
  const auto ask = [&](const char* highlight) {
    const SearchReply reply =
        search(fmt::format(R"({{"query": "zanzibar", "columns": ["id"], "highlight": {}}})", highlight));
    EXPECT_EQ(reply.status, 200) << reply.body;
    return at(reply.body, "/hits/0/highlight");
  };
  const std::string escaped = ask("true");
  EXPECT_THAT(escaped,
              AllOf(HasSubstr("<mark>zanzibar</mark>"), HasSubstr("&lt; z &gt;"), HasSubstr("&amp;")));
  EXPECT_THAT(escaped, AllOf(Not(HasSubstr("<script")), Not(HasSubstr("<img")), Not(HasSubstr("\\u000"))));
  EXPECT_THAT(ask(R"({"start": "[", "end": "]", "escape": false})"), HasSubstr("[zanzibar]"));
  EXPECT_THAT(ask(R"({"start": ", StartSel=\"x", "end": "'\\"})"), HasSubstr(R"(, StartSel=\"xzanzibar'\\)"))
      << "markers are never PostgreSQL's to read";
}

TEST_F(ServeHighlight, IsBounded) {
  declare_notes();
  sql("INSERT INTO notes (id, title, body) VALUES (1, 'long', repeat('river mountain lake ', 200000))");
  embed_all();
  serve();
  const SearchReply reply =
      search(R"({"query": "river", "columns": ["id"], "highlight": {"fragments": 10, "words": 100}})");
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_LT(reply.body.size(), 40'000U);
  EXPECT_THAT(reply.body, HasSubstr("<mark>river</mark>"));
  const std::pair<const char*, const char*> cases[] = {
      {R"({"query": "a", "highlight": 1})", "highlight"},
      {R"({"query": "a", "highlight": {"words": 4}})", "highlight.words"},
      {R"({"query": "a", "highlight": {"fragments": 11}})", "highlight.fragments"},
      {R"({"query": "a", "highlight": {"tag": "b"}})", "highlight.tag"},
      {R"({"vector": [1], "highlight": true})", "highlight"},
  };
  for (const auto& [body, field] : cases)
    EXPECT_EQ(at(search(body).body, "/errors/0/field"), fmt::format("\"{}\"", field)) << body;
  find_words("notes", "none");
  EXPECT_TRUE(eventually([&] {
    const SearchReply without = search(R"({"query": "river", "highlight": true})");
    return without.status == 400 && at(without.body, "/errors/0/field") == R"("highlight")";
  }));
}

class ServeFacets : public ServeTest {};

TEST_F(ServeFacets, CountTheCandidates) {
  declare_notes();
  add_notes(60);
  sql("UPDATE notes SET stars = NULL WHERE id > 50");
  embed_all();
  serve();
  const SearchReply reply =
      search(R"({"query": "river", "k": 1, "facets": {"open": 10, "stars": 3, "tags": 100, "title": 1}})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(at(reply.body, "/facets/over"), R"("candidates")");
  EXPECT_EQ(at(reply.body, "/facets/rows"), "60");
  EXPECT_EQ(at(reply.body, "/facets/columns/open"),
            R"([{"value":false,"count":30},{"value":true,"count":30}])");
  EXPECT_EQ(at(reply.body, "/facets/columns/stars"),
            R"([{"value":0,"count":5},{"value":1,"count":5},{"value":2,"count":5}])");
  EXPECT_EQ(at(reply.body, "/facets/columns/tags"),
            R"([{"value":"all","count":60},{"value":"t0","count":15},{"value":"t1","count":15},)"
            R"({"value":"t2","count":15},{"value":"t3","count":15}])");
  EXPECT_EQ(at(reply.body, "/facets/columns/title/0/count"), "1");
  EXPECT_EQ(at(search(R"({"query": "river"})").body, "/facets"), "") << "none were asked for";
}

/// What a filter excludes is not counted, and a page beyond the end still counts.
TEST_F(ServeFacets, FollowTheFilterAndNotThePage) {
  declare_notes();
  add_notes(40);
  embed_all();
  serve();
  const std::string reply = search(R"({"query": "river", "k": 1, "offset": 100, "facets": {"open": 5},
                 "filter": {"column": "open", "op": "=", "value": true}})")
                                .body;
  EXPECT_EQ(at(reply, "/returned"), "0") << reply;
  EXPECT_EQ(at(reply, "/facets/columns/open"), R"([{"value":true,"count":20}])");
  const std::string few =
      search(R"({"query": "river", "mode": "vector", "k": 1, "candidates": 7, "facets": {"open": 5}})").body;
  EXPECT_EQ(at(few, "/facets/rows"), "7");
  const std::string none = search(R"({"query": "zzz", "mode": "text", "facets": {"open": 5}})").body;
  EXPECT_EQ(at(none, "/facets/columns/open"), "[]");
}

TEST_F(ServeFacets, RowsOfAStoreCountOnce) {
  declare_articles();
  embed_all();
  serve();
  for (const char* group : {"true", "false"}) {
    const SearchReply reply = search(
        fmt::format(
            R"({{"query": "water", "k": 1, "candidates": 500, "group_by_row": {}, "facets": {{"kind": 9}}}})",
            group),
        "articles");
    EXPECT_EQ(at(reply.body, "/facets/columns/kind"),
              R"([{"value":"dry","count":6},{"value":"wet","count":6}])")
        << reply.body;
  }
}

TEST_F(ServeFacets, RefuseWhatCannotBeCounted) {
  declare_notes();
  add_notes(2);
  embed_all();
  serve();
  std::string many = "\"a0\": 1";
  for (int i = 1; i < 11; ++i) many += fmt::format(", \"a{}\": 1", i);
  const std::pair<std::string, const char*> cases[] = {
      {R"({"stras": 1})", "facets.stras"},
      {R"({"meta": 1})", "facets.meta"},
      {R"({"embedding": 1})", "facets.embedding"},
      {R"({"stars": 0})", "facets.stars"},
      {R"({"stars": 101})", "facets.stars"},
      {R"({"stars": 1, "stars": 1})", "facets.stars"},
      {R"(["stars"])", "facets"},
      {"{" + many + "}", "facets"},
  };
  for (const auto& [facets, field] : cases) {
    const SearchReply reply = search(fmt::format(R"({{"query": "a", "facets": {}}})", facets));
    EXPECT_EQ(reply.status, 400) << facets << reply.body;
    EXPECT_EQ(at(reply.body, "/errors/0/field"), fmt::format("\"{}\"", field)) << reply.body;
  }
}

class ServeNeighbours : public ServeTest {};

TEST_F(ServeNeighbours, AreTheChunksNextToAHits) {
  declare_articles();
  embed_all();
  serve();
  const SearchReply reply = search(
      R"({"query": "\"Paragraph 3\" rivers", "k": 1, "neighbours": 2, "highlight": true})", "articles");
  ASSERT_EQ(reply.status, 200) << reply.body;
  const int seq = std::stoi(at(reply.body, "/hits/0/chunk/seq"));
  const std::string of = at(reply.body, "/hits/0/key/id");
  EXPECT_EQ(
      at(reply.body, "/hits/0/chunk/neighbours"),
      at(value(fmt::format("SELECT json_agg(json_build_object('seq', chunk_seq, 'text', chunk) ORDER BY "
                           "chunk_seq)::jsonb::text FROM articles_embedding_store WHERE id = {} AND "
                           "chunk_seq BETWEEN {} AND {} AND chunk_seq <> {}",
                           of, seq - 2, seq + 2, seq)),
         ""));
  EXPECT_THAT(at(reply.body, "/hits/0/chunk/highlight"), HasSubstr("<mark>"));
  EXPECT_EQ(at(search(R"({"query": "water", "k": 1})", "articles").body, "/hits/0/chunk/neighbours"), "");
  const SearchReply wrong = search(R"({"query": "water", "neighbours": 6})", "articles");
  EXPECT_EQ(at(wrong.body, "/errors/0/field"), R"("neighbours")");
}

TEST_F(ServeNeighbours, NeedChunks) {
  declare_notes();
  serve();
  const SearchReply reply = search(R"({"query": "a", "neighbours": 1})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_EQ(at(reply.body, "/errors/0/field"), R"("neighbours")") << reply.body;
}

}  // namespace
}  // namespace embedd::test
