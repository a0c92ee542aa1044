// `embedd serve`: vectors without a search, of a query and in OpenAI's shape.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expected_vector.h"
#include "support/serve_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;

constexpr const char* kEmbed = "/v1/vectorizers/notes/embed";
constexpr const char* kEmbeddings = "/v1/embeddings";
constexpr const char* kModel = "text-embedding-3-small";

class ServeVectors : public ServeTest {
 protected:
  static std::string packed(const std::string& text) {
    std::string out;
    append_expected_base64(out, text, kDimensions);
    return "\"" + out + "\"";
  }
};

TEST_F(ServeVectors, AQuerysVectorFindsWhatTheQueryFinds) {
  declare_notes();
  add_notes(9);
  embed_all();
  serve();
  const SearchReply vector = client->post(kEmbed, R"({"query": "slow container"})");
  ASSERT_EQ(vector.status, 200) << vector.body;
  EXPECT_EQ(at(vector.body, "/dimensions"), "64");
  EXPECT_EQ(at(vector.body, "/model"), R"("local-hashing-v1")");
  const SearchReply by_vector =
      search(fmt::format(R"({{"vector": {}, "k": 9}})", at(vector.body, "/vector")));
  const SearchReply by_query = search(R"({"query": "slow container", "mode": "vector", "k": 9})");
  EXPECT_EQ(each_hit(by_vector.body, "/key/id"), each_hit(by_query.body, "/key/id"));
  EXPECT_EQ(each_hit(by_vector.body, "/similarity"), each_hit(by_query.body, "/similarity"));
}

TEST_F(ServeVectors, AreBoughtOnceAndBooked) {
  declare_notes("english", "openai");
  serve();
  const std::string body = R"({"query": "a slow start", "encoding_format": "base64"})";
  const SearchReply first = client->post(kEmbed, body);
  ASSERT_EQ(first.status, 200) << first.body;
  EXPECT_EQ(at(first.body, "/vector"), packed("a slow start"));
  EXPECT_EQ(at(first.body, "/tokens"), std::to_string(tokens_of("a slow start")));
  const SearchReply again = client->post(kEmbed, body);
  EXPECT_EQ(at(again.body, "/vector"), packed("a slow start"));
  EXPECT_EQ(at(again.body, "/tokens"), "0") << "it was known";
  EXPECT_EQ(search(R"({"query": "a slow start"})").status, 200);
  EXPECT_EQ(provider.stats().requests, 1U);
  EXPECT_EQ(search(R"({"query": "another"})").status, 200);
  const std::string booked = fmt::format("2|0|{}", tokens_of("a slow start") + tokens_of("another"));
  EXPECT_TRUE(eventually([&] {
    return value("SELECT concat_ws('|', sum(requests), sum(rows), sum(tokens)) FROM embedd.usage") == booked;
  })) << value("SELECT json_agg(u) FROM embedd.usage u");
}

TEST_F(ServeVectors, WhatIsBoughtLastIsBookedBeforeTheEnd) {
  declare_notes("english", "openai");
  serve();
  EXPECT_EQ(client->post(kEmbed, R"({"query": "one"})").status, 200);
  EXPECT_EQ(client->post(kEmbed, R"({"query": "two"})").status, 200);
  EXPECT_EQ(server->stop().code, 0);
  EXPECT_EQ(value("SELECT sum(requests) FROM embedd.usage"), "2");
}

TEST_F(ServeVectors, OpenAisShape) {
  declare_notes("english", "openai");
  serve();
  const SearchReply one =
      client->post(kEmbeddings, fmt::format(R"({{"input": "a", "model": "{}"}})", kModel));
  ASSERT_EQ(one.status, 200) << one.body;
  EXPECT_EQ(at(one.body, "/object"), R"("list")");
  EXPECT_EQ(at(one.body, "/data/0/index"), "0");
  EXPECT_EQ(at(one.body, "/data/0/object"), R"("embedding")");
  EXPECT_EQ(at(one.body, "/model"), fmt::format("\"{}\"", kModel));
  EXPECT_EQ(at(one.body, "/usage"), R"({"prompt_tokens":1,"total_tokens":1})");
  std::string inputs;
  for (int i = 0; i < 30; ++i) inputs += fmt::format("{}\"text {}\"", i == 0 ? "" : ", ", i % 25);
  const SearchReply many = client->post(
      kEmbeddings, fmt::format(R"({{"input": [{}], "model": "openai/{}", "encoding_format": "base64",
                                    "dimensions": {}, "user": "u"}})",
                               inputs, kModel, kDimensions));
  ASSERT_EQ(many.status, 200) << many.body;
  for (int i = 0; i < 30; ++i)
    EXPECT_EQ(at(many.body, fmt::format("/data/{}/embedding", i)), packed(fmt::format("text {}", i % 25)));
  EXPECT_EQ(provider.stats().requests, 26U) << "equal texts are bought once";
}

TEST_F(ServeVectors, WrongRequestsNameTheField) {
  declare_notes("english", "openai");
  serve();
  std::string many = "\"a\"";
  for (int i = 0; i < 128; ++i) many += ",\"a\"";
  struct Case {
    const char* path;
    std::string body;
    const char *field, *says;
  };
  const Case cases[] = {
      {kEmbed, "{}", "query", "is missing"},
      {kEmbed, R"({"query": " "})", "query", "is blank"},
      {kEmbed, R"({"input": "a"})", "input", "is not known"},
      {kEmbed, R"({"query": "a", "encoding_format": "int8"})", "encoding_format", "float or base64"},
      {kEmbed, R"({"query": "a", "deadline_ms": 1})", "deadline_ms", "from 50 to 30000"},
      {kEmbeddings, "{}", "input", "is missing"},
      {kEmbeddings, R"({"input": "a"})", "model", "is missing"},
      {kEmbeddings, R"({"input": "a", "model": "gpt"})", "model", "no vectorizer has the model 'gpt'"},
      {kEmbeddings, R"({"input": [], "model": "m"})", "input", "at least one"},
      {kEmbeddings, R"({"input": [1, 2], "model": "m"})", "input[0]", "must be a string"},
      {kEmbeddings, R"({"input": 5, "model": "m"})", "input", "string or an array of strings"},
      {kEmbeddings, R"({"input": ["a", ""], "model": "m"})", "input[1]", "must not be empty"},
      {kEmbeddings, fmt::format(R"({{"input": [{}], "model": "m"}})", many), "input", "at most 128"},
      {kEmbeddings, fmt::format(R"({{"input": "{}", "model": "m"}})", std::string(65'537, 'a')), "input",
       "at most 65536 bytes"},
      {kEmbeddings, fmt::format(R"({{"input": "a", "model": "{}", "dimensions": 7}})", kModel), "model",
       "with 7 dimensions"},
  };
  for (const Case& each : cases) {
    const SearchReply reply = client->post(each.path, each.body);
    EXPECT_EQ(reply.status, 400) << reply.body;
    EXPECT_EQ(at(reply.body, "/errors/0/field"), fmt::format("\"{}\"", each.field)) << reply.body;
    EXPECT_THAT(reply.body, HasSubstr(each.says));
    if (std::string_view(each.path) == kEmbeddings) {
      EXPECT_EQ(at(reply.body, "/error/message"), at(reply.body, "/detail"));
    }
  }
  EXPECT_EQ(client->post("/v1/vectorizers/none/embed", R"({"query": "a"})").status, 404);
  EXPECT_EQ(client->get(kEmbed).status, 405);
  EXPECT_EQ(provider.stats().requests, 0U);
}

TEST_F(ServeVectors, AModelOfSeveralVectorizersMayNeedItsDimensions) {
  declare_notes();
  sql("CREATE TABLE other (id bigint PRIMARY KEY, title text, embedding vector(32))");
  ASSERT_EQ(run_embedd({"vectorizer", "create", "other", "--table", "other", "--text", "{title}", "--column",
                        "embedding", "--endpoint", "local"})
                .code,
            0);
  serve();
  const SearchReply unclear = client->post(kEmbeddings, R"({"input": "a", "model": "local-hashing-v1"})");
  EXPECT_EQ(unclear.status, 400);
  EXPECT_THAT(unclear.body, HasSubstr("local/local-hashing-v1 with 32 dimensions"));
  const SearchReply clear =
      client->post(kEmbeddings, R"({"input": "a", "model": "local-hashing-v1", "dimensions": 32})");
  EXPECT_EQ(clear.status, 200) << clear.body;
}

TEST_F(ServeVectors, AnAnswerIsBounded) {
  sql("CREATE EXTENSION IF NOT EXISTS vector");
  sql("CREATE TABLE wide (id bigint PRIMARY KEY, title text, embedding vector(8000))");
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  ASSERT_EQ(run_embedd({"vectorizer", "create", "wide", "--table", "wide", "--text", "{title}", "--column",
                        "embedding", "--endpoint", "local"})
                .code,
            0);
  serve();
  const auto ask = [&](int texts) {
    std::string input = "\"text 1\"";
    for (int i = 1; i < texts; ++i) input += ", \"text\"";
    return client->post(kEmbeddings, fmt::format(R"({{"input": [{}], "model": "local-hashing-v1"}})", input));
  };
  EXPECT_EQ(ask(50).status, 200);
  const SearchReply many = ask(51);
  EXPECT_EQ(many.status, 400);
  EXPECT_THAT(many.body, HasSubstr("at most 50 vectors, not 51"));
}

TEST_F(ServeVectors, WithoutAKeyThereIsNone) {
  declare_notes("english", "openai");
  serve({{"OPENAI_API_KEY", ""}});
  for (const auto& [path, body] :
       {std::pair(kEmbed, std::string(R"({"query": "a"})")),
        std::pair(kEmbeddings, fmt::format(R"({{"input": ["a", "b"], "model": "{}"}})", kModel))}) {
    const SearchReply reply = client->post(path, body);
    EXPECT_EQ(reply.status, 503) << reply.body;
    EXPECT_EQ(at(reply.body, "/type"), R"("urn:embedd:problem:no_api_key")");
    EXPECT_NE(reply.header("retry-after"), "");
  }
}

TEST_F(ServeVectors, OneBadTextFailsTheWholeRequestAndIsNamed) {
  declare_notes("english", "openai");
  serve();
  provider.answers_next(1, Answer::error(400, "invalid_value", "this text is not allowed"));
  const SearchReply reply =
      client->post(kEmbeddings, fmt::format(R"({{"input": ["a", "b"], "model": "{}"}})", kModel));
  EXPECT_EQ(reply.status, 400) << reply.body;
  EXPECT_THAT(at(reply.body, "/detail"), HasSubstr("input["));
}

}  // namespace
}  // namespace embedd::test
