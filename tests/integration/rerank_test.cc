// Searches whose hits an endpoint of a rerank shape puts into a better order, or fails to.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <sstream>
#include <thread>
#include <tuple>

#include "support/rerank_server.h"
#include "support/serve_fixture.h"

namespace embedd::test {
namespace {

using provider::RerankShape;
using testing::AllOf;
using testing::Each;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kKey = "sk-rerank-0123456789";
/// Every text has a number, which is its score: so the best row is the last.
constexpr const char* kOrder = "\"query\": \"river note\", \"columns\": [\"id\"]";

class Rerank : public ServeTest {
 protected:
  explicit Rerank(RerankShape shape = RerankShape::cohere) : reranker(shape, kKey) {}

  static const char* name_of(RerankShape shape) {
    return shape == RerankShape::cohere ? "cohere" : shape == RerankShape::jina ? "jina" : "tei";
  }
  /// The table [rerank.main], and a client.
  void serve_reranked(const std::string& url, const std::string& lines = "",
                      RerankShape shape = RerankShape::cohere) {
    files.write("embedd.toml",
                fmt::format("[rerank.main]\nurl = \"{}\"\nshape = \"{}\"\nmodel = \"rerank-1\"\n"
                            "api_key = {{ env = \"RERANK_KEY\" }}\n{}\n",
                            url, name_of(shape), lines));
    changes = {{"EMBEDD_CONFIG", files.file("embedd.toml")}, {"RERANK_KEY", kKey}};
    serve(changes);
  }
  void prepare(int rows = 30) {
    declare_notes();
    add_notes(rows);
    sql("UPDATE notes SET body = 'a river note ' || id");
    embed_all();
  }
  std::string ids(const std::string& rest, const std::string& name = "notes") {
    const SearchReply reply = search(fmt::format("{{{}{}}}", kOrder, rest), name);
    EXPECT_EQ(reply.status, 200) << reply.body;
    last = reply.body;
    return each_hit(reply.body, "/key/id");
  }
  std::string reranked(const std::string& rest = "") { return ids(R"(, "rerank": "main")" + rest); }
  static std::vector<int> numbers(const std::string& text) {
    std::istringstream in(text);
    std::vector<int> out;
    for (int one = 0; in >> one;) out.push_back(one);
    return out;
  }
  /// The search goes on in the usual order, and says `reason`.
  void expect_degraded(const std::string& reason) {
    const std::string usual = ids("");
    EXPECT_EQ(reranked(), usual);
    EXPECT_EQ(at(last, "/degraded/leg"), R"("rerank")") << last;
    EXPECT_EQ(at(last, "/degraded/reason"), "\"" + reason + "\"");
    EXPECT_THAT(at(last, "/degraded/message"),
                AllOf(HasSubstr("the hits were not reranked"), Not(HasSubstr(kKey))));
    EXPECT_THAT(each_hit(last, "/rerank_score"), Not(HasSubstr(".")));
    EXPECT_THAT(server->log(), Not(HasSubstr(kKey)));
  }

  RerankServer reranker;
  Environment changes;
  std::string last;  ///< the answer of the last ids()
};

class RerankShapes : public Rerank, public testing::WithParamInterface<std::string> {
 protected:
  RerankShapes() : Rerank(*provider::rerank_shape_named(GetParam())) {}
};

TEST_P(RerankShapes, PutTheBestHitsFirst) {
  prepare();
  serve_reranked(reranker.url(), "", *provider::rerank_shape_named(GetParam()));
  EXPECT_NE(ids(R"(, "k": 5)"), "30 29 28 27 26");
  EXPECT_THAT(last, Not(HasSubstr("rerank_score")));
  EXPECT_EQ(reranker.requests(), 0) << "only who asks for it";
  EXPECT_EQ(reranked(R"(, "k": 5, "explain": true)"), "30 29 28 27 26");
  EXPECT_EQ(each_hit(last, "/rerank_score"), "0.03 0.029 0.028 0.027 0.026");
  EXPECT_EQ(at(last, "/degraded"), "null");
  EXPECT_NE(at(last, "/explain/rerank_ms"), "");
  EXPECT_EQ(at(last, "/returned"), "5");
  EXPECT_EQ(reranker.requests(), 1);
  EXPECT_EQ(reranker.bearer(), std::string("Bearer ") + kKey);
  EXPECT_EQ(reranker.texts().size(), 30U);
  EXPECT_THAT(reranker.texts(), Each(testing::MatchesRegex("note [0-9]+\na river note [0-9]+")));
  const std::string body = reranker.body();
  EXPECT_EQ(at(body, "/query"), R"("river note")");
  const bool tei = GetParam() == "tei";
  EXPECT_EQ(at(body, "/model"), tei ? "" : R"("rerank-1")");
  EXPECT_EQ(at(body, "/truncate"), tei ? "true" : "");
  EXPECT_EQ(at(body, "/return_documents"), GetParam() == "jina" ? "false" : "");
  EXPECT_THAT(client->get("/metrics").body, HasSubstr(R"(embedd_reranks_total{name="main",outcome="ok"} 1)"));
}

INSTANTIATE_TEST_SUITE_P(Each, RerankShapes, testing::Values("cohere", "jina", "tei"),
                         [](const auto& shape) { return shape.param; });

/// The first ten in the usual order are reranked, whatever the page; the others keep their order.
TEST_F(Rerank, PagesAgree) {
  prepare();
  serve_reranked(reranker.url(), "max_candidates = 10");
  const std::vector<int> usual = numbers(ids(R"(, "k": 30)"));
  ASSERT_EQ(usual.size(), 30U);
  std::vector<int> expected(usual.begin(), usual.begin() + 10);
  std::ranges::sort(expected, std::greater());
  expected.insert(expected.end(), usual.begin() + 10, usual.end());
  for (const int k : {1, 3, 4, 7, 10, 30}) {
    std::vector<int> all;
    for (int offset = 0; offset < 30; offset += k) {
      const auto page =
          numbers(reranked(fmt::format(R"(, "k": {}, "offset": {}, "candidates": 200)", k, offset)));
      EXPECT_EQ(at(last, "/returned_fewer"), "null");
      all.insert(all.end(), page.begin(), page.end());
    }
    EXPECT_EQ(all, expected) << "pages of " << k;
  }
  EXPECT_EQ(reranked(R"(, "k": 12)").find("null"), std::string::npos);
  EXPECT_THAT(each_hit(last, "/rerank_score"), testing::EndsWith(" null null"));
  const int asked = reranker.requests();
  reranked(R"(, "k": 5, "offset": 10)");
  EXPECT_EQ(at(last, "/degraded"), "null");
  EXPECT_EQ(reranker.requests(), asked) << "a page behind them needs no reranker";
  EXPECT_EQ(reranked(R"(, "k": 50, "offset": 25, "candidates": 20, "mode": "vector")"), "");
  EXPECT_THAT(at(last, "/returned_fewer"), HasSubstr("candidates"));
}

TEST_F(Rerank, AnAnswerThatLiesIsNotBelieved) {
  prepare(12);
  serve_reranked(reranker.url());
  for (const RerankFault fault :
       {RerankFault::too_few, RerankFault::too_many, RerankFault::twice, RerankFault::out_of_range,
        RerankFault::negative, RerankFault::fraction, RerankFault::words, RerankFault::no_score,
        RerankFault::no_results, RerankFault::an_object}) {
    reranker.bend(fault);
    SCOPED_TRACE(static_cast<int>(fault));
    expect_degraded("invalid_answer");
  }
  reranker.bend(RerankFault::none);
  EXPECT_EQ(reranked(R"(, "k": 2)"), "12 11") << "and is asked again at once";
}

TEST_F(Rerank, AnEndpointThatFailsIsLeftAlone) {
  prepare(12);
  for (const RerankFault fault : {RerankFault::not_json, RerankFault::truncated, RerankFault::empty,
                                  RerankFault::huge, RerankFault::not_finite, RerankFault::disconnect}) {
    SCOPED_TRACE(static_cast<int>(fault));
    reranker.bend(fault);
    serve_reranked(reranker.url());
    expect_degraded("unavailable");
    const int asked = reranker.requests();
    expect_degraded("unavailable");
    EXPECT_EQ(reranker.requests(), asked);
  }
  reranker.bend(RerankFault::none);
  EXPECT_TRUE(eventually([&] { return reranked(R"(, "k": 2)") == "12 11"; })) << "for a second";
}

TEST_F(Rerank, WhatTheEndpointSaysIsTheReason) {
  prepare(12);
  for (const auto& [status, body, reason] :
       {std::tuple{401, R"({"message":"invalid api token"})", "unauthenticated"},
        std::tuple{429, R"({"message":"too many"})", "rate_limited"},
        std::tuple{422, R"({"error":"batch size 50 > maximum allowed batch size 32"})", "too_large"},
        std::tuple{404, R"({"message":"no such model"})", "misconfigured"},
        std::tuple{503, "", "unavailable"}, std::tuple{200, R"({"message":"sorry"})", "invalid_answer"}}) {
    reranker.refuse(status, body);
    serve_reranked(reranker.url());
    expect_degraded(reason);
  }
  EXPECT_THAT(client->get("/metrics").body,
              AllOf(HasSubstr(R"(embedd_reranks_total{name="main",outcome="invalid_answer"} 1)"),
                    HasSubstr(R"(embedd_searches_degraded_total{leg="rerank",reason="invalid_answer"} 1)")));
}

TEST_F(Rerank, ARedirectIsNotFollowed) {
  prepare(12);
  reranker.bend(RerankFault::redirect);
  serve_reranked(reranker.url());
  expect_degraded("misconfigured");
  EXPECT_EQ(reranker.redirected(), 0);
}

TEST_F(Rerank, AnEndpointThatIsAbsentCostsNothing) {
  prepare(12);
  serve();
  expect_degraded("not_configured");
  serve_reranked("http://127.0.0.1:1/rerank");
  expect_degraded("unavailable");
  files.write("key", "wrong-key-wrong-key\n");
  serve_reranked(reranker.url());
  changes.erase("RERANK_KEY");
  serve(changes);
  expect_degraded("no_api_key");
  EXPECT_THAT(run_embedd({"check"}, changes).output, HasSubstr("note rerank main: " + reranker.url()));
  EXPECT_EQ(reranker.requests(), 0);
  changes["RERANK_KEY_FILE"] = files.file("key");
  serve(changes);
  expect_degraded("unauthenticated");
  EXPECT_THAT(run_embedd({"check"}, changes).output,
              HasSubstr("ok   rerank main: " + reranker.url() + ", its key is set"));
  EXPECT_THAT(server->log(), Not(HasSubstr("wrong-key")));
}

TEST_F(Rerank, AnEndpointThatHangsCostsItsTimeoutOnce) {
  prepare(12);
  reranker.bend(RerankFault::hang);
  serve_reranked(reranker.url(), "timeout_ms = 3000");
  expect_degraded("deadline");
  const auto began = std::chrono::steady_clock::now();
  expect_degraded("unavailable");
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(2)) << "it is left alone for a while";
  EXPECT_EQ(reranker.requests(), 1);
}

TEST_F(Rerank, TheRequestsDeadlineHolds) {
  prepare(12);
  reranker.bend(RerankFault::hang);
  serve_reranked(reranker.url(), "timeout_ms = 30000");
  const auto began = std::chrono::steady_clock::now();
  EXPECT_NE(reranked(R"(, "deadline_ms": 700)"), "");
  EXPECT_EQ(at(last, "/degraded/reason"), R"("deadline")") << last;
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(5));
  reranker.bend(RerankFault::none);
  EXPECT_EQ(reranked(R"(, "k": 2)"), "12 11") << "a short deadline is no fault of the endpoint";
  reranker.bend(RerankFault::hang);
  SearchClient other(port_of(*server));
  std::thread waiting(
      [&] { other.post("/v1/vectorizers/notes/search", R"({"query": "river", "rerank": "main"})"); });
  ASSERT_TRUE(eventually([&] { return reranker.requests() == 3; }));
  EXPECT_EQ(server->stop().code, 0) << "while a search waits";
  waiting.join();
}

TEST_F(Rerank, OfAStoreTheChunkIsSent) {
  declare_articles();
  embed_all();
  serve_reranked(reranker.url(), "max_candidates = 20");
  const SearchReply reply =
      search(R"({"query": "water in rivers", "rerank": "main", "k": 3, "group_by_row": false})", "articles");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(at(reply.body, "/degraded"), "null") << reply.body;
  EXPECT_EQ(reranker.texts().size(), 20U);
  for (const std::string& text : reranker.texts()) EXPECT_LE(text.size(), 32U) << "a chunk, and not the row";
  EXPECT_THAT(reranker.texts(), testing::Contains(HasSubstr("rivers")));
  EXPECT_EQ(search(R"({"query": "water", "rerank": "main"})", "articles").status, 200);
  EXPECT_EQ(reranker.texts().size(), 12U) << "one of each row";
}

TEST_F(Rerank, WhatIsSentIsBounded) {
  prepare(12);
  sql("UPDATE notes SET body = repeat('ä', 100000) || ' river ' || id");
  embed_all();
  serve_reranked(reranker.url(), "max_candidates = 5");
  reranked();
  EXPECT_EQ(reranker.texts().size(), 5U);
  for (const std::string& text : reranker.texts()) EXPECT_LE(text.size(), 8192U);
  EXPECT_LT(reranker.body().size(), 60'000U);
  EXPECT_GT(reranker.body().size(), 35'000U);
}

/// Then every hit is on a page all the same.
TEST_F(Rerank, RowsThatAreTooManyBytesAreNotReranked) {
  prepare(12);
  sql("UPDATE notes SET body = repeat('x', 1000000) || ' river ' || id");
  embed_all();
  serve_reranked(reranker.url());
  const SearchReply reply =
      search(R"({"query": "river note", "rerank": "main", "columns": ["id", "body"], "k": 2, "offset": 8})");
  EXPECT_EQ(at(reply.body, "/degraded/reason"), R"("too_large")") << reply.body.substr(0, 500);
  EXPECT_EQ(at(reply.body, "/returned"), "2");
  EXPECT_EQ(reranker.requests(), 0);
  EXPECT_EQ(reranked(R"(, "k": 2)").find("null"), std::string::npos);
  EXPECT_EQ(at(last, "/degraded"), "null") << "with fewer columns";
}

TEST_F(Rerank, TextsThatATokenMayNotFindAreNotSent) {
  prepare(30);
  files.write("embedd.toml",
              fmt::format("[rerank.main]\nurl = \"{}\"\nshape = \"cohere\"\nmodel = \"m\"\n"
                          "api_key = {{ env = \"RERANK_KEY\" }}\n"
                          "[token.some]\nsecret = {{ env = \"SOME_TOKEN\" }}\nvectorizers = [\"notes\"]\n"
                          "filter = '{{\"column\": \"id\", \"op\": \"<=\", \"value\": 4}}'\n",
                          reranker.url()));
  serve({{"EMBEDD_CONFIG", files.file("embedd.toml")}, {"RERANK_KEY", kKey}, {"SOME_TOKEN", kSome}}, kSome);
  EXPECT_EQ(search(R"({"query": "river", "rerank": "main"})", "other").status, 404);
  EXPECT_EQ(reranker.requests(), 0);
  EXPECT_EQ(reranked(), "4 3 2 1");
  EXPECT_EQ(reranker.texts().size(), 4U);
}

TEST_F(Rerank, WithoutWordsOrVectorsOrWithAScoreItIsTheSame) {
  prepare(12);
  const Finished scored = run_embedd({"vectorizer", "score", "notes", "similarity * (20 - id)"});
  ASSERT_EQ(scored.code, 0) << scored.error_output;
  serve_reranked(reranker.url());
  for (const char* mode : {"hybrid", "vector", "text"})
    EXPECT_EQ(reranked(fmt::format(R"(, "k": 3, "mode": "{}")", mode)), "12 11 10") << mode;
  EXPECT_NE(each_hit(last, "/fused_score"), "");
  EXPECT_EQ(reranked(R"(, "filter": {"column": "id", "op": "<", "value": 0})"), "");
  EXPECT_EQ(at(last, "/degraded"), "null");
}

TEST_F(Rerank, FromTheShellToo) {
  prepare(12);
  serve_reranked(reranker.url());
  const Finished found =
      run_embedd({"search", "notes", "river note", "--rerank", "main", "-k", "2"}, changes);
  EXPECT_EQ(found.code, 0) << found.error_output;
  EXPECT_THAT(found.output, AllOf(HasSubstr("1. 0.012 {\"id\": 12}"), HasSubstr("2. 0.011 {\"id\": 11}")));
  const Finished without = run_embedd({"search", "notes", "river note", "--rerank", "other"}, changes);
  EXPECT_THAT(without.output, HasSubstr("[not reranked: the hits were not reranked: this server has no"));
  EXPECT_EQ(without.code, 0);
  const SearchReply agent = client->post(
      "/mcp",
      R"({"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"search","arguments":{"vectorizer":"notes","query":"river note","rerank":"main"}}})",
      {"MCP-Protocol-Version: 2025-11-25", "Accept: application/json, text/event-stream"});
  EXPECT_THAT(agent.body, HasSubstr(R"(\"rerank_score\":0.012)"));
}

}  // namespace
}  // namespace embedd::test
