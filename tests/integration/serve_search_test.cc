// `embedd serve`: what a search finds, by meaning and by words, with real PostgreSQL and a scripted provider.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "support/serve_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ServeSearch : public ServeTest {};

TEST_F(ServeSearch, FindsByMeaningAndByWords) {
  declare_notes();
  add_notes(30);
  sql("INSERT INTO notes (id, title, body) VALUES (100, 'zanzibar', 'an island')");
  embed_all();
  serve();
  const SearchReply reply = search(R"({"query": "zanzibar island", "k": 3})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(at(reply.body, "/hits/0/key"), R"({"id":100})");
  EXPECT_EQ(at(reply.body, "/hits/0/ranks"), R"({"vector":1,"text":1})");
  EXPECT_EQ(at(reply.body, "/hits/0/row"), R"({"id":100,"title":"zanzibar","body":"an island"})");
  EXPECT_NEAR(std::stod(at(reply.body, "/hits/0/score")), 2.0 / 61, 1e-9);
  EXPECT_GT(std::stod(at(reply.body, "/hits/0/similarity")), 0.8);
  EXPECT_EQ(at(reply.body, "/degraded"), "null");
  EXPECT_EQ(at(reply.body, "/returned_fewer"), "null");
  EXPECT_EQ(at(reply.body, "/mode"), R"("hybrid")");
  EXPECT_EQ(at(reply.body, "/model"), R"("local-hashing-v1")");

  const SearchReply words = search(R"({"query": "islands", "mode": "text"})");
  EXPECT_EQ(each_hit(words.body, "/key/id"), "100") << "a stem of the configuration english";
  EXPECT_EQ(each_hit(words.body, "/similarity"), "null");
  const SearchReply nearest = search(R"({"query": "zanzibar", "mode": "vector", "k": 2})");
  EXPECT_THAT(each_hit(nearest.body, "/ranks"), R"({"vector":1} {"vector":2})");
}

TEST_F(ServeSearch, WeightsAndThresholdCount) {
  declare_notes();
  add_notes(9);
  embed_all();
  serve();
  const SearchReply reply =
      search(R"({"query": "container start", "k": 3, "weights": {"vector": 0, "text": 2}, "rrf_k": 10})");
  EXPECT_EQ(each_hit(reply.body, "/key/id"), "3 6 9");
  EXPECT_NEAR(std::stod(at(reply.body, "/hits/0/score")), 2.0 / 11, 1e-9);
  const SearchReply near = search(
      R"({"query": "the slow start of a container", "mode": "vector", "min_similarity": 0.5, "k": 9})");
  EXPECT_EQ(each_hit(near.body, "/key/id").size(), std::string("3 6 9").size()) << near.body;
  EXPECT_EQ(at(near.body, "/returned_fewer"), "null") << "there are no more that near";
}

/// What breaks naive full-text search.
TEST_F(ServeSearch, NoQueryIsASyntaxError) {
  declare_notes();
  add_notes(5);
  embed_all();
  serve();
  for (const char* query : {"a & b", "'; DROP TABLE notes; --", "!!", "\\\"", "(", "foo:*", "<->", "the", "-",
                            "\\u00e9\\u4e2d", "or or", "\\\"unclosed", "a,b,,c", "%s {0} $1"}) {
    const SearchReply reply = search(fmt::format(R"({{"query": "{}"}})", query));
    EXPECT_EQ(reply.status, 200) << query << ": " << reply.body;
  }
}

TEST_F(ServeSearch, RowsThatAreNotEmbeddedYetAreFoundByTheirWords) {
  declare_notes();
  add_notes(6);
  embed_all();
  sql("INSERT INTO notes (id, title, body) VALUES (50, 'quokka', 'not embedded')");
  serve();
  const SearchReply reply = search(R"({"query": "quokka", "k": 1, "weights": {"text": 2}})");
  EXPECT_EQ(at(reply.body, "/hits/0/key"), R"({"id":50})");
  EXPECT_EQ(at(reply.body, "/hits/0/similarity"), "null");
  EXPECT_EQ(at(reply.body, "/hits/0/ranks"), R"({"text":1})");
  EXPECT_EQ(at(reply.body, "/degraded"), "null");
}

/// No hit on two pages, none lost, the same order as in one answer; whatever the legs and the filter.
TEST_F(ServeSearch, PagesAgreeWithEachOther) {
  declare_notes();
  add_notes(120);
  embed_all();
  sql("CREATE INDEX ON notes USING hnsw (embedding vector_cosine_ops)");
  serve();
  for (const char* rest :
       {R"("mode": "hybrid")", R"("mode": "vector")", R"("mode": "text")",
        R"("mode": "vector", "exact": true)", R"("filter": {"column": "stars", "op": "<", "value": 5})"}) {
    const auto ids = [&](int k, int offset) {
      const SearchReply reply = search(
          fmt::format(R"({{"query": "slow container river", "k": {}, "offset": {}, "candidates": 200, {}}})",
                      k, offset, rest));
      EXPECT_EQ(reply.status, 200) << reply.body;
      return each_hit(reply.body, "/key/id");
    };
    const std::string all = ids(200, 0);
    for (const int page : {7, 25}) {
      std::string pages;
      for (int offset = 0; offset < 130; offset += page)
        if (const std::string part = ids(page, offset); !part.empty())
          pages += (pages.empty() ? "" : " ") + part;
      EXPECT_EQ(pages, all) << rest << ", pages of " << page;
    }
  }
}

/// The index gives up after a hundred rows, of which the filter leaves none.
TEST_F(ServeSearch, ARareFilterStillFindsItsRows) {
  EMBEDD_NOT_ON(pgbouncer, "it keeps connections from before the database's settings change");
  declare_notes();
  add_notes(3000);
  sql("UPDATE notes SET stars = 1000 WHERE id % 300 = 0");
  embed_all();
  sql("CREATE INDEX ON notes USING hnsw (embedding vector_cosine_ops)");
  sql("ANALYZE notes");
  sql(fmt::format("ALTER DATABASE {} SET hnsw.max_scan_tuples = 100", database.name()));
  sql(fmt::format("ALTER DATABASE {} SET enable_seqscan = off", database.name()));
  serve();
  const auto ask = [&](const char* rest) {
    return search(fmt::format(R"({{"query": "river in a container", "explain": true, {}}})", rest)).body;
  };
  const std::string rare =
      ask(R"("mode": "vector", "filter": {"column": "stars", "op": "=", "value": 1000})");
  EXPECT_EQ(at(rare, "/returned"), "10") << rare;
  EXPECT_EQ(at(rare, "/returned_fewer"), "null");
  EXPECT_THAT(at(rare, "/explain/plan"), HasSubstr("notes_embedding_idx"));
  EXPECT_EQ(
      each_hit(rare, "/key/id"),
      each_hit(
          ask(R"("mode": "vector", "exact": true, "filter": {"column": "stars", "op": "=", "value": 1000})"),
          "/key/id"));
  EXPECT_THAT(at(ask(R"("mode": "text")"), "/explain/plan"), HasSubstr("embedd_text_1"));
  EXPECT_THAT(at(ask(R"("mode": "vector", "exact": true)"), "/explain/plan"),
              Not(HasSubstr("notes_embedding_idx")));
}

TEST_F(ServeSearch, SaysWhyFewerCameThanExist) {
  declare_notes();
  add_notes(60);
  embed_all();
  serve();
  EXPECT_THAT(
      at(search(R"({"query": "river", "mode": "vector", "k": 20, "candidates": 5})").body, "/returned_fewer"),
      HasSubstr("candidates: each leg proposed 5"));
  EXPECT_EQ(at(search(R"({"query": "river", "mode": "vector", "k": 100})").body, "/returned_fewer"), "null");
  sql("UPDATE notes SET body = repeat('river ', 200000) WHERE id < 20");
  const SearchReply large = search(R"({"query": "note", "mode": "vector", "k": 60})");
  EXPECT_LT(large.body.size(), 6 * 1024 * 1024U);
  EXPECT_THAT(at(large.body, "/returned_fewer"), HasSubstr("bytes: an answer has at most 4 MiB"));
}

TEST_F(ServeSearch, ReturnsTheColumnsThatAreAskedFor) {
  declare_notes();
  add_notes(3);
  embed_all();
  serve();
  const SearchReply reply =
      search(R"({"query": "river", "k": 1, "columns": ["stars", "tags", "meta", "embedding"]})");
  EXPECT_THAT(at(reply.body, "/hits/0/row"), AllOf(HasSubstr(R"("tags":["t)"), HasSubstr(R"("meta":{"n":)")));
  EXPECT_THAT(at(reply.body, "/hits/0/row/embedding"), HasSubstr("\"["));
  const SearchReply wrong = search(R"({"query": "river", "columns": ["stras"]})");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_THAT(wrong.body, HasSubstr("columns: there is no column 'stras'. Did you mean 'stars'?"));
}

TEST_F(ServeSearch, TakesAVectorInPlaceOfAQuery) {
  declare_notes();
  add_notes(4);
  embed_all();
  serve();
  const std::string vector = value("SELECT embedding::text FROM notes WHERE id = 3");
  const SearchReply reply = search(fmt::format(R"({{"vector": {}, "k": 1}})", vector));
  EXPECT_EQ(each_hit(reply.body, "/key/id"), "3") << reply.body;
  EXPECT_THAT(search(R"({"vector": [1, 2]})").body, HasSubstr("has 2 numbers"));
}

TEST_F(ServeSearch, FollowsATableThatChanges) {
  declare_notes();
  add_notes(3);
  embed_all();
  serve();
  const char* const query = R"({"query": "river", "k": 1, "columns": ["stars"]})";
  EXPECT_EQ(search(query).status, 200);
  sql("ALTER TABLE notes ALTER COLUMN stars TYPE text");
  EXPECT_EQ(search(query).status, 200) << "the plan was for a number";
  sql("ALTER TABLE notes RENAME COLUMN stars TO points");
  EXPECT_EQ(search(query).status, 400);
  EXPECT_EQ(search(R"({"query": "river", "columns": ["points"]})").status, 200);
  sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND datname = "
      "current_database()");
  EXPECT_EQ(search(R"({"query": "river"})").status, 200) << "a lost connection is opened again";
  EXPECT_EQ(client->get("/healthz").status, 200);
  EXPECT_EQ(client->get("/v1/vectorizers").status, 200);
}

/// The index of the words goes on from one to the other, and a query is embedded again for another model.
TEST_F(ServeSearch, GoesOnAcrossASwitchToAnotherModel) {
  declare_notes("english", "openai");
  add_notes(12);
  embed_all();
  serve();
  const std::string query =
      R"({"query": "note 3\nthe slow start of a container", "k": 1, "mode": "vector", "exact": true})";
  const auto expect_found = [&](const std::string& model) {
    const SearchReply reply = search(query);
    EXPECT_EQ(at(reply.body, "/model"), '"' + model + '"') << reply.body;
    EXPECT_EQ(each_hit(reply.body, "/key/id"), "3");
    EXPECT_GT(std::stod(at(reply.body, "/hits/0/similarity")), 0.999);
    EXPECT_EQ(each_hit(search(R"({"query": "\"note 3\"", "mode": "text"})").body, "/key/id"), "3");
  };
  expect_found("text-embedding-3-small");
  ASSERT_EQ(run_embedd({"vectorizer", "change", "notes", "--model", "text-embedding-3-large", "--dimensions",
                        std::to_string(2 * kDimensions)})
                .code,
            0);
  embed_all();
  expect_found("text-embedding-3-small");
  EXPECT_EQ(search(R"({"query": "river", "mode": "text", "k": 1})", "notes.next").status, 200);
  for (const bool back : {false, true, false}) {
    const Finished switched = back ? run_embedd({"vectorizer", "switch", "notes", "--back"})
                                   : run_embedd({"vectorizer", "switch", "notes"});
    ASSERT_EQ(switched.code, 0) << switched.error_output;
    expect_found(back ? "text-embedding-3-small" : "text-embedding-3-large");
  }
  EXPECT_EQ(value("SELECT count(*) FROM pg_indexes WHERE indexname = 'embedd_text_2'"), "1");
  ASSERT_EQ(run_embedd({"vectorizer", "prune", "notes"}).code, 0);
  expect_found("text-embedding-3-large");
}

TEST_F(ServeSearch, ASwitchWaitsForTheIndexOfOtherWords) {
  declare_notes();
  add_notes(6);
  embed_all();
  ASSERT_EQ(run_embedd({"vectorizer", "change", "notes", "--text", "{body}"}).code, 0);
  embed_all();
  const Finished early = run_embedd({"vectorizer", "switch", "notes"});
  EXPECT_EQ(early.code, 1);
  EXPECT_THAT(early.error_output, HasSubstr("embedd vectorizer text-search notes.next pg_catalog.english"));
  find_words("notes.next", "pg_catalog.english");
  const Finished switched = run_embedd({"vectorizer", "switch", "notes"});
  ASSERT_EQ(switched.code, 0) << switched.error_output;
  serve();
  EXPECT_EQ(at(search(R"({"query": "note", "mode": "text"})").body, "/returned"), "0")
      << "it is in the title";
  ASSERT_EQ(run_embedd({"vectorizer", "prune", "notes"}).code, 0);
  EXPECT_EQ(value("SELECT string_agg(indexname, ' ') FROM pg_indexes WHERE indexname LIKE 'embedd_text%'"),
            "embedd_text_2");
}

TEST_F(ServeSearch, SaysWhenTooManyTextsHaveTheWords) {
  declare_notes();
  add_notes(10'100);
  serve();
  const SearchReply reply = search(R"({"query": "note", "mode": "text", "k": 2})");
  EXPECT_EQ(at(reply.body, "/returned"), "2") << reply.body;
  EXPECT_EQ(at(reply.body, "/degraded/leg"), R"("text")");
  EXPECT_EQ(at(reply.body, "/degraded/reason"), R"("many_matches")");
  EXPECT_EQ(
      at(search(R"({"query": "note", "mode": "text", "filter": {"column": "id", "op": "<", "value": 9}})")
             .body,
         "/degraded"),
      "null");
}

// ── Stores

class ServeStore : public ServeSearch {};

TEST_F(ServeStore, ARowTakesThePlaceOfItsBestChunk) {
  declare_articles();
  embed_all();
  serve();
  const auto ask = [&](const char* rest) {
    return search(fmt::format(R"({{"query": "water in rivers", "candidates": 500, {}}})", rest), "articles");
  };
  const SearchReply chunks = ask(R"("k": 500, "group_by_row": false)");
  const SearchReply rows = ask(R"("k": 500)");
  ASSERT_EQ(rows.status, 200) << rows.body;
  EXPECT_EQ(at(rows.body, "/returned"), "12");
  EXPECT_GT(std::stoi(at(chunks.body, "/returned")), 40);
  EXPECT_THAT(at(rows.body, "/hits/0/chunk/text"), HasSubstr("rivers"));
  EXPECT_EQ(at(rows.body, "/hits/0/row"), at(chunks.body, "/hits/0/row"));

  // The best score of each row's chunks is the row's.
  const auto best = [](const std::string& body) {
    std::map<std::string, double> out;
    std::istringstream ids(each_hit(body, "/key/id")), scores(each_hit(body, "/score"));
    std::string id;
    for (double score = 0; ids >> id && scores >> score;) out[id] = std::max(out[id], score);
    return out;
  };
  EXPECT_EQ(best(rows.body), best(chunks.body));

  std::string pages;
  for (int offset = 0; offset < 15; offset += 5)
    if (const std::string part =
            each_hit(ask(fmt::format(R"("k": 5, "offset": {})", offset).c_str()).body, "/key/id");
        !part.empty())
      pages += (pages.empty() ? "" : " ") + part;
  EXPECT_EQ(pages, each_hit(rows.body, "/key/id"));
  EXPECT_EQ(
      each_hit(ask(R"("k": 50, "columns": ["kind"], "filter": {"column": "kind", "op": "=", "value": "dry"})")
                   .body,
               "/row/kind"),
      R"("dry" "dry" "dry" "dry" "dry" "dry")");
}

TEST_F(ServeStore, RowsWithoutChunksAreFoundByTheirWords) {
  declare_articles();
  embed_all();
  sql("INSERT INTO articles VALUES (99, 'New', 'An axolotl, which no worker has seen yet.', 'wet')");
  serve();
  const SearchReply reply = search(R"({"query": "axolotls", "mode": "text"})", "articles");
  EXPECT_EQ(each_hit(reply.body, "/key/id"), "99") << reply.body;
  EXPECT_EQ(at(reply.body, "/hits/0/chunk"), "");
  EXPECT_EQ(at(reply.body, "/hits/0/row/id"), "99");
  EXPECT_EQ(at(reply.body, "/degraded"), "null");
}

TEST_F(ServeStore, SaysWhenRowsWithoutChunksAreLeftOut) {
  declare_articles();
  serve();
  const char* const query = R"({"query": "mountains", "mode": "text"})";
  EXPECT_EQ(at(search(query, "articles").body, "/degraded/reason"), R"("backlog")")
      << "no walk has been made";
  embed_all();
  EXPECT_EQ(at(search(query, "articles").body, "/degraded"), "null");
  sql("INSERT INTO articles SELECT i, 'New', 'An axolotl, number ' || i, 'wet' FROM generate_series(1000, "
      "2100) i");
  const SearchReply reply = search(R"({"query": "axolotl", "mode": "text", "k": 3})", "articles");
  EXPECT_EQ(at(reply.body, "/returned"), "3");
  EXPECT_EQ(at(reply.body, "/degraded/leg"), R"("text")") << reply.body;
  EXPECT_EQ(at(reply.body, "/degraded/reason"), R"("backlog")");
}

}  // namespace
}  // namespace embedd::test
