/// What the OpenAI adapter alone must do: what it sends, and what it survives, over real HTTP.
#include "http/openai_embedder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "http/embedders.h"
#include "support/print.h"
#include "support/scripted_provider.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kKey = "sk-test-secret";

EndpointConfig endpoint_of(const ScriptedProvider& provider) {
  EndpointConfig config{
      .name = "scripted", .base_url = provider.base_url(), .api_key = Secret(std::string(kKey))};
  config.timeout = seconds(5);
  return config;
}

struct Sent {
  std::vector<std::string_view> inputs = {"one", "two"};
  int dimensions = 8;
  bool send_dimensions = false;
  std::string model = "text-embedding-3-small";
};

/// One embedder; each call waits for its reply.
class Client {
 public:
  explicit Client(EndpointConfig config) : embedder_(loop_, std::move(config)) {}

  Reply embed(const Sent& sent = {}) {
    embedder_.start({.id = ++id_,
                     .model = sent.model,
                     .dimensions = sent.dimensions,
                     .send_dimensions = sent.send_dimensions,
                     .inputs = sent.inputs});
    return wait();
  }

  Reply wait() {
    const Instant deadline = SteadyClock().now() + seconds(30);
    while (SteadyClock().now() < deadline) {
      std::vector<Reply> replies = embedder_.take_replies();
      if (!replies.empty()) return std::move(replies.front());
      loop_.wait_until(deadline);
    }
    ADD_FAILURE() << "no reply within 30 s";
    return {.answer = fail(ErrorKind::canceled, "no reply")};
  }

  OpenAiEmbedder& embedder() { return embedder_; }

 private:
  Loop loop_;
  OpenAiEmbedder embedder_;
  std::uint64_t id_ = 0;
};

class OpenAiEmbedderTest : public testing::Test {
 protected:
  ScriptedProvider provider_{{.dimensions = 8, .key = std::string(kKey)}};
};

TEST_F(OpenAiEmbedderTest, SendsWhatTheApiAsksFor) {
  Client client(endpoint_of(provider_));
  ASSERT_TRUE(client.embed().answer);
  const RecordedRequest request = provider_.last_request();
  EXPECT_EQ(request.target, "/v1/embeddings");
  EXPECT_EQ(request.body,
            R"({"model":"text-embedding-3-small","input":["one","two"],"encoding_format":"base64"})");
  EXPECT_EQ(request.headers.at("authorization"), "Bearer sk-test-secret");
  EXPECT_EQ(request.headers.at("content-type"), "application/json");
  EXPECT_THAT(request.headers.at("user-agent"), HasSubstr("embedd/"));
  EXPECT_FALSE(request.headers.contains("expect"));
  EXPECT_FALSE(request.headers.contains("openai-project"));
}

TEST_F(OpenAiEmbedderTest, OptionalPartsAreSentOnlyWhenAsked) {
  EndpointConfig config = endpoint_of(provider_);
  config.encoding_format = "";
  config.organization = "org-1";
  config.project = "proj-1";
  config.document_prefix = "passage: ";
  config.headers = {"X-Team: search"};
  Client client(config);
  ASSERT_TRUE(client.embed({.send_dimensions = true}).answer);
  const RecordedRequest request = provider_.last_request();
  EXPECT_EQ(request.body,
            R"({"model":"text-embedding-3-small","input":["passage: one","passage: two"],"dimensions":8})");
  EXPECT_EQ(request.headers.at("openai-organization"), "org-1");
  EXPECT_EQ(request.headers.at("openai-project"), "proj-1");
  EXPECT_EQ(request.headers.at("x-team"), "search");
}

TEST_F(OpenAiEmbedderTest, AzureHasItsOwnPathAndKeyHeader) {
  EndpointConfig config = endpoint_of(provider_);
  config.dialect = Dialect::azure;
  config.base_url = fmt::format("http://127.0.0.1:{}/", provider_.port());
  Client client(config);
  ASSERT_TRUE(client.embed().answer);
  const RecordedRequest request = provider_.last_request();
  EXPECT_EQ(request.target, "/openai/deployments/text-embedding-3-small/embeddings?api-version=2024-10-21");
  EXPECT_EQ(request.headers.at("api-key"), kKey);
  EXPECT_FALSE(request.headers.contains("authorization"));
}

TEST_F(OpenAiEmbedderTest, InvalidUtf8IsSentAsReplacementCharacters) {
  Client client(endpoint_of(provider_));
  ASSERT_TRUE(client.embed({.inputs = {"a\xFFz"}}).answer);
  EXPECT_EQ(provider_.last_request().inputs.at(0), "a\xEF\xBF\xBDz");
}

TEST_F(OpenAiEmbedderTest, ConnectsOnFirstUseAndThenKeepsTheConnection) {
  Client client(endpoint_of(provider_));
  EXPECT_EQ(client.embedder().key_state("scripted"), KeyState::present);
  EXPECT_EQ(provider_.stats().connections, 0U);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.embed().answer);
  EXPECT_EQ(provider_.stats().connections, 1U);
}

TEST_F(OpenAiEmbedderTest, ARedirectIsAnErrorAndTheKeyGoesNowhere) {
  provider_.answers_next(1, Answer::broken(Fault::redirect));
  Client client(endpoint_of(provider_));
  const Reply reply = client.embed();
  ASSERT_FALSE(reply.answer);
  EXPECT_EQ(reply.answer.error().kind, ErrorKind::misconfigured);
  EXPECT_THAT(reply.answer.error().message, HasSubstr("redirect"));
  EXPECT_EQ(provider_.stats().redirected, 0U);
}

TEST_F(OpenAiEmbedderTest, TheKeyIsInNoMessage) {
  // One that is known by its shape, and one of no shape, as other servers have them.
  for (const std::string& key : {std::string(kKey), std::string("0123456789abcdef-secret")}) {
    ScriptedProvider provider({.dimensions = 8, .key = key});
    provider.answers_next(
        1, Answer::error(401, "invalid_api_key", fmt::format("Incorrect API key provided: {}.", key)));
    provider.answers_next(1, Answer::raw(500, fmt::format("request headers: Bearer {}", key)));
    EndpointConfig config = endpoint_of(provider);
    config.api_key = Secret(key);
    Client client(config);
    for (const char* said : {"Incorrect", "request headers"}) {
      const Reply reply = client.embed();
      ASSERT_FALSE(reply.answer);
      EXPECT_THAT(reply.answer.error().message, AllOf(HasSubstr(said), Not(HasSubstr("secret"))));
    }
  }
}

TEST_F(OpenAiEmbedderTest, AFailureSaysByWhichIdTheProviderKnowsIt) {
  const auto refused = [](const std::string& id) {
    return Answer::error(500, "server_error", "it crashed").with("x-request-id", id);
  };
  provider_.answers_next(1, refused("req_0123456789abcdef"));
  provider_.answers_next(1, refused(fmt::format("of-{}", kKey)));
  Client client(endpoint_of(provider_));
  EXPECT_EQ(client.embed().request_id, "req_0123456789abcdef");
  EXPECT_EQ(client.embed().request_id, "of-***") << "never the key";
}

TEST_F(OpenAiEmbedderTest, ATextLeavesRoomForTheDocumentsPrefix) {
  EndpointConfig config = endpoint_of(provider_);
  config.document_prefix = "search_document: ";
  config.limits.max_input_tokens = 512;
  Loop loop;
  EXPECT_EQ(OpenAiEmbedder(loop, config).limits(config.name).max_input_tokens, 512U - 17);
  config.limits.max_input_tokens = 8;
  EXPECT_EQ(OpenAiEmbedder(loop, config).limits(config.name).max_input_tokens, 1U);
}

TEST_F(OpenAiEmbedderTest, LimitsAreReportedWithTheAnswer) {
  provider_.set_rate_limits(600, 100'000);
  Client client(endpoint_of(provider_));
  const Reply reply = client.embed();
  ASSERT_TRUE(reply.answer);
  EXPECT_EQ(reply.limits.limit_requests, 600);
  EXPECT_EQ(reply.limits.remaining_requests, 599);
  EXPECT_EQ(reply.limits.limit_tokens, 100'000);
  EXPECT_TRUE(reply.limits.reset_requests.has_value());
  EXPECT_EQ(reply.answer->tokens, 2U);
}

TEST_F(OpenAiEmbedderTest, LimitsThatMakeNoSenseCountAsAbsent) {
  provider_.answers_next(1, Answer{}
                                .with("x-ratelimit-limit-requests", "-1")
                                .with("x-ratelimit-remaining-tokens", "lots")
                                .with("x-ratelimit-reset-requests", "23h47m36.648s")
                                .with("x-ratelimit-reset-tokens", "60"));
  Client client(endpoint_of(provider_));
  const Reply reply = client.embed();
  ASSERT_TRUE(reply.answer) << reply.answer.error().message;
  EXPECT_EQ(reply.limits.limit_requests, std::nullopt);
  EXPECT_EQ(reply.limits.remaining_tokens, std::nullopt);
  EXPECT_EQ(reply.limits.reset_requests, std::chrono::hours(23) + minutes(47) + milliseconds(36'648));
  EXPECT_EQ(reply.limits.reset_tokens, std::nullopt);
}

TEST_F(OpenAiEmbedderTest, TheServersRetryTimeIsReadInEveryForm) {
  Client client(endpoint_of(provider_));
  const auto wait = [&](Answer answer) {
    provider_.answers_next(1, std::move(answer));
    const Reply reply = client.embed();
    EXPECT_FALSE(reply.answer);
    return reply.answer ? std::nullopt : reply.answer.error().retry_after;
  };
  const auto limited = [] { return Answer::error(429, "rate_limit_exceeded"); };
  EXPECT_EQ(wait(limited()), std::nullopt);
  EXPECT_EQ(wait(limited().with("retry-after", "7")), seconds(7));
  EXPECT_EQ(wait(limited().with("retry-after-ms", "1500")), milliseconds(1500));
  EXPECT_EQ(wait(limited().with("x-ms-retry-after-ms", "250")), milliseconds(250));
  EXPECT_EQ(wait(limited().with("retry-after", "1m30s")), seconds(90));
  EXPECT_EQ(wait(limited().with("retry-after", "-5")), std::nullopt);
  EXPECT_EQ(wait(limited()
                     .with("date", "Sun, 06 Nov 1994 08:49:37 GMT")
                     .with("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT")),
            seconds(10));
  EXPECT_EQ(wait(Answer::error(429, "rate_limit_exceeded", "Please try again in 2.812s.")),
            milliseconds(2812));
}

TEST_F(OpenAiEmbedderTest, AHugeBodyIsCutShortWhateverItsStatus) {
  Client client(endpoint_of(provider_));
  for (const int status : {400, 500, 200}) {
    provider_.answers_next(1, Answer::raw(status, std::string(20 * kMiB, 'x')));
    const Reply reply = client.embed();
    ASSERT_FALSE(reply.answer) << status;
    EXPECT_LT(reply.answer.error().message.size(), 400U);
    EXPECT_NE(reply.answer.error().kind, ErrorKind::invalid_answer);
  }
  EXPECT_TRUE(client.embed().answer) << "usable after all of that";
}

TEST_F(OpenAiEmbedderTest, AnErrorInA200IsSeenForWhatItIs) {
  provider_.answers_next(1, Answer::raw(200, R"({"error":{"code":"insufficient_quota","message":"pay"}})"));
  Client client(endpoint_of(provider_));
  const Reply reply = client.embed();
  ASSERT_FALSE(reply.answer);
  EXPECT_EQ(reply.answer.error().kind, ErrorKind::quota_exhausted);
}

TEST_F(OpenAiEmbedderTest, OddAnswersAreRight) {
  Client client(endpoint_of(provider_));
  for (const Fault fault : {Fault::floats, Fault::reversed, Fault::no_index, Fault::zero_index_gone,
                            Fault::no_usage, Fault::pretty}) {
    provider_.answers_next(1, Answer::broken(fault));
    const Reply reply = client.embed();
    ASSERT_TRUE(reply.answer) << name_of(fault) << ": " << reply.answer.error().message;
    EXPECT_EQ(
        std::vector<float>(reply.answer->vectors.values.begin() + 8, reply.answer->vectors.values.end()),
        expected_vector("two", 8))
        << name_of(fault);
    EXPECT_EQ(reply.answer->tokens, fault == Fault::no_usage ? 0U : 2U) << name_of(fault);
  }
}

TEST_F(OpenAiEmbedderTest, EveryWayOfBreakingOffIsUnavailable) {
  Client client(endpoint_of(provider_));
  for (const Fault fault :
       {Fault::disconnect, Fault::disconnect_in_body, Fault::slow_drip, Fault::endless_body,
        Fault::endless_headers, Fault::truncated, Fault::html, Fault::empty}) {
    SCOPED_TRACE(name_of(fault));
    provider_.answers_next(1, Answer::broken(fault));
    const Reply reply = client.embed(
        {.inputs = std::vector<std::string_view>(20, "text"), .dimensions = 1536, .send_dimensions = true});
    // A connection that was kept and closes without a byte is tried again on a fresh one: that succeeds.
    if (fault == Fault::disconnect && reply.answer) continue;
    ASSERT_FALSE(reply.answer);
    EXPECT_EQ(reply.answer.error().kind, ErrorKind::unavailable) << reply.answer.error().message;
    EXPECT_THAT(reply.answer.error().message, Not(HasSubstr("\n")));
  }
  EXPECT_TRUE(client.embed({.dimensions = 1536, .send_dimensions = true}).answer)
      << "usable after all of that";
}

TEST_F(OpenAiEmbedderTest, NobodyListeningIsUnavailableAndSaysSo) {
  EndpointConfig config = endpoint_of(provider_);
  config.base_url = "http://127.0.0.1:1/v1";
  Client client(config);
  const Reply reply = client.embed();
  ASSERT_FALSE(reply.answer);
  EXPECT_EQ(reply.answer.error().kind, ErrorKind::unavailable);
  EXPECT_THAT(reply.answer.error().message, HasSubstr("127.0.0.1: no connection"));
}

TEST_F(OpenAiEmbedderTest, AProxyFromTheEnvironmentIsNotUsedForLoopback) {
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  Client client(endpoint_of(provider_));
  const Reply reply = client.embed();
  unsetenv("http_proxy");
  EXPECT_TRUE(reply.answer);
}

TEST_F(OpenAiEmbedderTest, AServerThatNeedsNoKeyGetsNone) {
  provider_.set_key("");
  EndpointConfig config = endpoint_of(provider_);
  config.api_key = {};
  config.key_required = false;
  Client client(config);
  EXPECT_EQ(client.embedder().key_state("scripted"), KeyState::present);
  ASSERT_TRUE(client.embed().answer);
  EXPECT_FALSE(provider_.last_request().headers.contains("authorization"));
}

TEST_F(OpenAiEmbedderTest, AFullBatchComesThroughWhole) {
  Client client(endpoint_of(provider_));
  std::vector<std::string> texts;
  for (int i = 0; i < 2048; ++i) texts.push_back(fmt::format("text number {}", i));
  const Reply reply =
      client.embed({.inputs = {texts.begin(), texts.end()}, .dimensions = 1536, .send_dimensions = true});
  ASSERT_TRUE(reply.answer) << reply.answer.error().message;
  const auto& values = reply.answer->vectors.values;
  for (const std::size_t i : {0, 1, 1000, 2047}) {
    const auto at = values.begin() + static_cast<std::ptrdiff_t>(i * 1536);
    EXPECT_EQ(std::vector<float>(at, at + 1536), expected_vector(texts[i], 1536));
  }
}

TEST_F(OpenAiEmbedderTest, AQueryGetsItsOwnPrefix) {
  EndpointConfig config = endpoint_of(provider_);
  config.document_prefix = "passage: ";
  config.query_prefix = "query: ";
  const auto vector = embed_query(config, "m", 8, false, "what is it");
  ASSERT_TRUE(vector) << vector.error().message;
  EXPECT_EQ(*vector, expected_vector("query: what is it", 8));
}

TEST_F(OpenAiEmbedderTest, ADestroyedEmbedderLeavesNothingBehind) {
  provider_.hold();
  Loop loop;
  {
    OpenAiEmbedder embedder(loop, endpoint_of(provider_));
    embedder.start({.id = 1, .model = "m", .dimensions = 8, .inputs = {"text"}});
    loop.wait_until(SteadyClock().now());
  }
  provider_.release();
  loop.wait_until(SteadyClock().now() + milliseconds(20));
}

}  // namespace
}  // namespace embedd::test
