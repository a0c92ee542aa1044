// `embedd serve`: what each token of embedd.toml may search, and how often.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <sstream>

#include "support/serve_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class ServeTokens : public ServeTest {
 protected:
  void serve_with(const std::string& rights) {
    ServeTest::serve_with(rights);
    all.emplace(port_of(*server), kAll);
    other.emplace(port_of(*server), kOther);
  }
  SearchReply ask_as(SearchClient& who, const std::string& body) {
    return who.post("/v1/vectorizers/notes/search", body);
  }

  std::optional<SearchClient> all, other;
};

TEST_F(ServeTokens, OpenTheVectorizersThatTheyName) {
  declare_notes();
  declare_articles();
  add_notes(3);
  embed_all();
  serve_with("vectorizers = [\"articles\"]");
  EXPECT_EQ(search(R"({"query": "river"})", "articles").status, 200);
  const SearchReply closed = search(R"({"query": "river"})");
  EXPECT_EQ(closed.status, 404);
  EXPECT_THAT(closed.body, HasSubstr("there is no vectorizer 'notes'")) << "as of one that does not exist";
  EXPECT_EQ(client->post("/v1/vectorizers/notes/embed", R"({"query": "a"})").status, 404);
  EXPECT_EQ(client->post("/v1/vectorizers/articles/embed", R"({"query": "a"})").status, 200);
  const std::string list = client->get("/v1/vectorizers").body;
  EXPECT_THAT(list, AllOf(HasSubstr("articles"), Not(HasSubstr("notes"))));
  for (SearchClient* who : {&*all, &*other}) {
    EXPECT_EQ(ask_as(*who, R"({"query": "river"})").status, 200);
    EXPECT_THAT(who->get("/v1/vectorizers").body, HasSubstr("notes"));
  }
  for (const char* token : {R"("token":"some")", R"("token":"other")"}) expect_logged(token);
  EXPECT_THAT(server->log(), Not(HasSubstr("0123456789abcdef")));
}

TEST_F(ServeTokens, BuyOnlyTheModelsOfTheirVectorizers) {
  declare_notes("english", "openai");
  declare_articles();
  serve_with("vectorizers = [\"articles\"]");
  const char* const of_notes = R"({"input": "a", "model": "text-embedding-3-small"})";
  EXPECT_EQ(client->post("/v1/embeddings", of_notes).status, 400);
  EXPECT_EQ(client->post("/v1/embeddings", R"({"input": "a", "model": "local-hashing-v1"})").status, 200);
  EXPECT_EQ(all->post("/v1/embeddings", of_notes).status, 200);
}

/// Whatever the request says, no leg proposes another row, and nothing counts one.
TEST_F(ServeTokens, AFilterHoldsWhateverTheRequestSays) {
  declare_notes();
  add_notes(60);
  embed_all();
  sql("CREATE INDEX ON notes USING hnsw (embedding vector_cosine_ops)");
  serve_with(R"(filter = '{"column": "stars", "op": "=", "value": 3}')");
  for (
      const char* rest :
      {R"("query": "river note")", R"("query": "river note", "mode": "text")",
       R"("query": "river note", "mode": "vector")",
       R"("query": "river note", "mode": "vector", "exact": true)",
       R"("query": "note", "filter": {"or": [{"column": "stars", "op": "=", "value": 4}, {"column": "stars", "op": ">", "value": 0}]})",
       R"("query": "note", "filter": {"not": {"column": "stars", "op": "=", "value": 3}})",
       R"("similar_to": {"id": 3})"}) {
    const SearchReply reply = ask_as(
        *client, fmt::format(R"({{"k": 100, "columns": ["stars"], "facets": {{"stars": 100}}, {}}})", rest));
    ASSERT_EQ(reply.status, 200) << reply.body;
    std::istringstream stars(each_hit(reply.body, "/row/stars"));
    for (std::string one; stars >> one;) EXPECT_EQ(one, "3") << rest;
    EXPECT_THAT(at(reply.body, "/facets/columns/stars"), testing::AnyOf("[]", HasSubstr(R"([{"value":3,)")))
        << rest;
    EXPECT_THAT(at(reply.body, "/facets/columns/stars"), Not(HasSubstr("},{"))) << rest;
  }
  EXPECT_EQ(at(search(R"({"query": "river note", "k": 100})").body, "/returned"), "6");
  EXPECT_EQ(search(R"({"similar_to": {"id": 4}})").status, 404) << "as if there were no such row";
  EXPECT_EQ(at(ask_as(*all, R"({"query": "river note", "k": 100})").body, "/returned"), "60");
}

TEST_F(ServeTokens, AFilterHoldsForRowsOfAStore) {
  declare_articles();
  embed_all();
  sql("INSERT INTO articles VALUES (90, 'New', 'water that waits', 'wet'), (91, 'New', 'water that waits', "
      "'dry')");
  serve_with(R"(filter = '{"column": "kind", "op": "=", "value": "wet"}')");
  for (const char* mode : {"hybrid", "text", "vector"}) {
    const SearchReply reply = search(
        fmt::format(R"({{"query": "water", "mode": "{}", "k": 50, "candidates": 500, "columns": ["kind"]}})",
                    mode),
        "articles");
    EXPECT_THAT(each_hit(reply.body, "/row/kind"), Not(HasSubstr("dry"))) << reply.body;
    EXPECT_EQ(at(reply.body, "/returned"), std::string_view(mode) == "vector" ? "6" : "7");
  }
}

TEST_F(ServeTokens, AFilterThatDoesNotFitLetsNobodyThrough) {
  declare_notes();
  add_notes(3);
  embed_all();
  serve_with(R"(filter = '{"column": "tenant", "op": "=", "value": 3}')");
  const SearchReply reply = search(R"({"query": "river"})");
  EXPECT_EQ(reply.status, 500) << reply.body;
  EXPECT_THAT(reply.body, HasSubstr("the filter of this token does not fit notes"));
  EXPECT_EQ(ask_as(*all, R"({"query": "river"})").status, 200);
  sql("ALTER TABLE notes ADD COLUMN tenant int DEFAULT 3");
  EXPECT_EQ(search(R"({"query": "river"})").status, 200) << "the table is looked at again";
}

TEST_F(ServeTokens, HaveARate) {
  declare_notes();
  serve_with("requests_per_minute = 5");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(client->get("/v1/vectorizers").status, 200);
  const SearchReply limited = client->get("/v1/vectorizers");
  EXPECT_EQ(limited.status, 429);
  EXPECT_THAT(limited.body, HasSubstr("this token may make 5 requests a minute"));
  const int seconds = std::atoi(limited.header("retry-after").c_str());
  EXPECT_GE(seconds, 1);
  EXPECT_LE(seconds, 12);
  EXPECT_EQ(other->get("/v1/vectorizers").status, 200) << "that of one client is not another's";
  EXPECT_EQ(client->get("/healthz").status, 200);
}

TEST_F(ServeTokens, AreEnoughBeyondLoopback) {
  declare_notes();
  files.write("embedd.toml", "[token.some]\nsecret = { env = \"SOME_TOKEN\" }\n");
  Embedd open = start({"serve", "--http", "0.0.0.0:0"},
                      {{"EMBEDD_CONFIG", files.file("embedd.toml")}, {"SOME_TOKEN", kSome}});
  EXPECT_EQ(SearchClient(port_of(open), kSome).get("/v1/vectorizers").status, 200);
  EXPECT_EQ(SearchClient(port_of(open)).get("/v1/vectorizers").status, 401);
}

TEST_F(ServeTokens, ThatCannotWorkAreRefusedAtTheStart) {
  const std::pair<std::string, const char*> cases[] = {
      {"secret = { env = \"NOBODY\" }", "token.a: there is no secret: set NOBODY or NOBODY_FILE"},
      {"secret = { file = \"/nowhere\" }", "/nowhere"},
      {"secret = { env = \"SHORT\" }", "fewer than 16 characters"},
      {"secret = { env = \"ALL\" }", "a token is there twice"},
      {"secret = \"0123456789abcdef-a\"", "a token does not belong into this file"},
      {"", "token.a.secret: is missing"},
      {"secret = { env = \"GOOD\" }\nfilter = '{\"column\": 5}'", "token.a.filter: filter"},
      {"secret = { env = \"GOOD\" }\nfilter = '{'", "is not JSON"},
      {"secret = { env = \"GOOD\" }\nvectorizers = []", "with one at least"},
      {"secret = { env = \"GOOD\" }\nrequests_per_minute = 0", "from 1 to 1000000"},
      {"secret = { env = \"GOOD\" }\nwrite = 1", "must be true or false"},
      {"secret = { env = \"GOOD\" }\ncontributor = \"me\"", "token.a.contributor: must be a uuid"},
      {"secret = { env = \"GOOD\" }\nvectorisers = [\"a\"]", "Did you mean 'vectorizers'?"},
  };
  for (const auto& [lines, says] : cases) {
    files.write("embedd.toml", "[token.a]\n" + lines + "\n");
    const Finished refused =
        run_embedd({"serve", "--http", "127.0.0.1:0"}, {{"EMBEDD_CONFIG", files.file("embedd.toml")},
                                                        {"EMBEDD_API_TOKEN", kAll},
                                                        {"ALL", kAll},
                                                        {"SHORT", "short"},
                                                        {"GOOD", "0123456789abcdef-good"}});
    EXPECT_EQ(refused.code, 2) << lines;
    EXPECT_THAT(refused.error_output, AllOf(HasSubstr(says), HasSubstr("embedd.toml:"))) << lines;
    EXPECT_THAT(refused.error_output, Not(HasSubstr("0123456789abcdef"))) << lines;
  }
}

}  // namespace
}  // namespace embedd::test
