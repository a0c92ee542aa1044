// Rerank shapes: what is sent, which answers are believed, and how rerankers are configured.
#include "provider/rerank.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/toml_rerank.h"
#include "search/request.h"

namespace embedd {
namespace {

using provider::RerankShape;
using testing::HasSubstr;
using testing::Not;

provider::RerankConfig config_of(RerankShape shape) {
  provider::RerankConfig config{.name = "main", .shape = shape};
  config.endpoint.base_url = "http://127.0.0.1:1/rerank";
  config.endpoint.model = "m";
  return config;
}

TEST(Rerank, BodiesHaveTheirShapes) {
  const std::vector<std::string> texts{"a \"b\"", "ä"};
  EXPECT_EQ(provider::rerank_body(config_of(RerankShape::cohere), "q", texts),
            R"({"model":"m","query":"q","documents":["a \"b\"","ä"]})");
  EXPECT_EQ(provider::rerank_body(config_of(RerankShape::jina), "q", texts),
            R"({"model":"m","query":"q","documents":["a \"b\"","ä"],"return_documents":false})");
  EXPECT_EQ(provider::rerank_body(config_of(RerankShape::tei), "q", texts),
            R"({"query":"q","texts":["a \"b\"","ä"],"truncate":true})");
}

TEST(Rerank, TextsAreCutAtAWholeCharacter) {
  std::string text(provider::kMostRerankText - 1, 'x');
  const std::string body = provider::rerank_body(config_of(RerankShape::tei), "q", {text + "ä"});
  EXPECT_THAT(body, HasSubstr("\"" + text + "\""));
}

TEST(Rerank, ScoresAreOfTheTextsWhateverTheirOrder) {
  for (const char* number : {"0.25", "25e-2"}) {
    const std::string list = std::string(R"([{"index":1,"relevance_score":-3,"document":{"text":"x"}},)") +
                             R"({"relevance_score":)" + number + R"(,"index":0}])";
    const auto scores = provider::read_scores(RerankShape::cohere, R"({"results":)" + list + "}", 2);
    ASSERT_TRUE(scores) << scores.error().message;
    EXPECT_EQ(*scores, (std::vector<double>{0.25, -3}));
  }
  const auto tei = provider::read_scores(RerankShape::tei, "\xEF\xBB\xBF[{\"index\":0,\"score\":1}]", 1);
  ASSERT_TRUE(tei) << tei.error().message;
  EXPECT_EQ(*tei, std::vector<double>{1});
}

TEST(Rerank, WrongAnswersAreNotBelieved) {
  struct Case {
    const char* body;
    ErrorKind kind;
  };
  constexpr auto kInvalid = ErrorKind::invalid_answer;
  for (const Case& each :
       {Case{"", ErrorKind::unavailable}, Case{"<html>", ErrorKind::unavailable},
        Case{R"([{"index":0,"score":1},{"index":1,"score":2)", ErrorKind::unavailable}, Case{"[]", kInvalid},
        Case{"null", kInvalid}, Case{"{}", kInvalid}, Case{R"({"results":[]})", kInvalid},
        Case{R"([{"index":0,"score":1}])", kInvalid},
        Case{R"([{"index":0,"score":1},{"index":1,"score":2},{"index":2,"score":3}])", kInvalid},
        Case{R"([{"index":0,"score":1},{"index":0,"score":2}])", kInvalid},
        Case{R"([{"index":0,"score":1},{"index":2,"score":2}])", kInvalid},
        Case{R"([{"index":0,"score":1},{"index":-1,"score":2}])", kInvalid},
        Case{R"([{"index":0,"score":1},{"index":1.0,"score":2}])", kInvalid},
        Case{R"([{"index":0,"score":1},{"score":2}])", kInvalid},
        Case{R"([{"index":0,"score":1},{"index":1}])", kInvalid},
        Case{R"([{"index":0,"score":1},{"index":1,"score":null}])", kInvalid},
        Case{R"([{"index":0,"score":1},{"index":1,"score":"2"}])", kInvalid},
        Case{R"([{"index":0,"relevance_score":1},{"index":1,"relevance_score":2}])", kInvalid},
        Case{R"([1,2])", kInvalid}}) {
    const auto scores = provider::read_scores(RerankShape::tei, each.body, 2);
    ASSERT_FALSE(scores) << each.body;
    EXPECT_EQ(scores.error().kind, each.kind) << each.body;
  }
  EXPECT_FALSE(provider::read_scores(RerankShape::tei, R"([{"index":0,"score":1e999}])", 1));
  EXPECT_FALSE(provider::read_scores(RerankShape::cohere, R"([{"index":0,"relevance_score":1}])", 1));
}

Result<std::vector<provider::RerankConfig>> read(const std::string& text) {
  return cli::parse_toml_rerankers(text, "embedd.toml", [](const std::string& name) {
    return name == "KEY" ? std::optional<std::string>("hunter2-hunter2") : std::nullopt;
  });
}

TEST(Rerank, IsConfiguredByATable) {
  const auto all = read(
      "[rerank.main]\nurl = \"https://api.cohere.com/v2/rerank\"\nshape = \"cohere\"\nmodel = "
      "\"rerank-v3.5\"\n"
      "api_key = { env = \"KEY\" }\nmax_candidates = 100\ntimeout_ms = 500\n"
      "[rerank.own]\nurl = \"http://127.0.0.1:8080/rerank\"\nshape = \"tei\"\n"
      "[rerank.jina]\nurl = \"https://api.jina.ai/v1/rerank\"\nshape = \"jina\"\nmodel = \"m\"\napi_key = "
      "\"\"\n");
  ASSERT_TRUE(all) << all.error().message;
  ASSERT_EQ(all->size(), 3U);
  const provider::RerankConfig &jina = (*all)[0], &main = (*all)[1], &own = (*all)[2];
  EXPECT_EQ(main.name, "main");
  EXPECT_EQ(main.shape, RerankShape::cohere);
  EXPECT_EQ(main.endpoint.api_key.reveal(), "hunter2-hunter2");
  EXPECT_TRUE(main.endpoint.key_required);
  EXPECT_EQ(main.most_candidates(), 100);
  EXPECT_EQ(main.timeout, milliseconds(500));
  EXPECT_FALSE(own.endpoint.key_required);
  EXPECT_EQ(own.most_candidates(), 32);
  EXPECT_FALSE(jina.endpoint.key_required);
  EXPECT_EQ(jina.most_candidates(), 50);
  EXPECT_EQ(jina.timeout, milliseconds(2000));
  EXPECT_TRUE(read("poll_seconds = 1\n")->empty());
}

TEST(Rerank, AWrongTableIsRefusedAndTheKeyIsNotShown) {
  const std::string good = "url = \"http://127.0.0.1:1/r\"\nshape = \"tei\"\n";
  for (const auto& [text, part] :
       {std::pair<std::string, const char*>{"rerank = 1\n[x]\n", nullptr},
        {"[rerank]\nmain = 1\n", "rerankers are written [rerank.NAME]"},
        {"[rerank.\"a b\"]\n" + good, "rerankers are written [rerank.NAME]"},
        {"[rerank.a]\nshape = \"tei\"\n", "needs url"},
        {"[rerank.a]\nurl = \"ftp://x\"\nshape = \"tei\"\n", "url must begin with https:// or http://"},
        {"[rerank.a]\nurl = \"http://me:hunter2@x\"\nshape = \"tei\"\n", "url must not hold a user"},
        {"[rerank.a]\nurl = \"http://x\"\n", "shape: is missing"},
        {"[rerank.a]\nurl = \"http://x\"\nshape = \"colbert\"\n", "shape: must be"},
        {"[rerank.a]\nurl = \"http://x\"\nshape = \"cohere\"\n", "needs model"},
        {"[rerank.a]\n" + good + "api_key = \"hunter2\"\n", "a key does not belong into this file"},
        {"[rerank.a]\n" + good + "api_key = { envv = \"KEY\" }\n", "must be { env"},
        {"[rerank.a]\n" + good + "max_candidates = 101\n", "from 1 to 100"},
        {"[rerank.a]\n" + good + "timeout_ms = 1\n", "from 50 to 30000"},
        {"[rerank.a]\n" + good + "timeout_m = 1\n", "Did you mean 'timeout_ms'?"}}) {
    const auto wrong = read(text);
    if (part == nullptr) continue;
    ASSERT_FALSE(wrong) << text;
    EXPECT_EQ(wrong.error().kind, ErrorKind::invalid_argument);
    EXPECT_THAT(wrong.error().message, testing::AllOf(testing::StartsWith("embedd.toml:"), HasSubstr(part),
                                                      Not(HasSubstr("hunter2"))));
  }
}

TEST(Rerank, ASearchNamesItAndNeedsAQuery) {
  const auto request = search::parse_request(R"({"query": "a", "rerank": "main"})");
  ASSERT_TRUE(request);
  EXPECT_EQ(request->rerank, "main");
  for (const char* wrong :
       {R"({"vector": [1], "rerank": "main"})", R"({"similar_to": {"id": 1}, "rerank": "main"})",
        R"({"query": "a", "rerank": ""})", R"({"query": "a", "rerank": 1})",
        R"({"query": "a", "rerank": {"name": "main"}})"}) {
    const auto refused = search::parse_request(wrong);
    ASSERT_FALSE(refused) << wrong;
    EXPECT_THAT(refused.error().message, testing::StartsWith("rerank: ")) << wrong;
  }
}

}  // namespace
}  // namespace embedd
