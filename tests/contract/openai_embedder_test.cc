/// What the OpenAI adapter alone must do: what it sends, and what it survives, over real HTTP.
#include "provider/openai_embedder.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "provider/embedders.h"
#include "support/pieces.h"
#include "support/print.h"
#include "support/provider_answers.h"
#include "support/scripted_provider.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kKey = "sk-test-secret";

provider::EndpointConfig endpoint_of(const ScriptedProvider& provider) {
  provider::EndpointConfig config{
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
  explicit Client(provider::EndpointConfig config) : embedder_(loop_, std::move(config)) {}

  Reply embed(const Sent& sent = {}) {
    embedder_.start({.id = ++id_,
                     .model = sent.model,
                     .dimensions = sent.dimensions,
                     .send_dimensions = sent.send_dimensions,
                     .inputs = sent.inputs});
    return wait();
  }

  Reply wait() {
    const Instant deadline = provider::SteadyClock().now() + seconds(30);
    while (provider::SteadyClock().now() < deadline) {
      std::vector<Reply> replies = embedder_.take_replies();
      if (!replies.empty()) return std::move(replies.front());
      loop_.wait_until(deadline);
    }
    ADD_FAILURE() << "no reply within 30 s";
    return {.answer = fail(ErrorKind::canceled, "no reply")};
  }

  provider::OpenAiEmbedder& embedder() { return embedder_; }

 private:
  provider::Loop loop_;
  provider::OpenAiEmbedder embedder_;
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
  provider::EndpointConfig config = endpoint_of(provider_);
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

constexpr const char* kMistral =
    R"({"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","encoding_format"],)"
    R"("msg":"Extra inputs are not permitted","input":"base64"}]},"type":"invalid_request_error","code":null})";
constexpr const char* kVllm =
    R"({"object":"error","message":"Model \"m\" does not support matryoshka representation, )"
    R"(changing output dimensions will lead to poor results.","type":"BadRequestError","param":null,"code":400})";
constexpr std::string_view kInputs = R"({"model":"text-embedding-3-small","input":["one","two"])";

TEST_F(OpenAiEmbedderTest, AParameterThatIsRefusedIsLeftOutFromThenOn) {
  Client client(endpoint_of(provider_));
  provider_.answers_next(1, Answer::raw(422, kMistral));
  ASSERT_TRUE(client.embed().answer);
  EXPECT_EQ(provider_.last_request().body, fmt::format("{}}}", kInputs));
  EXPECT_EQ(provider_.stats().requests, 2U) << "asked again at once";
  ASSERT_TRUE(client.embed({.send_dimensions = true}).answer);
  EXPECT_EQ(provider_.last_request().body, fmt::format("{},\"dimensions\":8}}", kInputs));

  provider_.answers_next(1, Answer::raw(400, kVllm));
  ASSERT_TRUE(client.embed({.send_dimensions = true}).answer);
  ASSERT_TRUE(client.embed({.send_dimensions = true}).answer);
  EXPECT_EQ(provider_.last_request().body, fmt::format("{}}}", kInputs));
  EXPECT_EQ(provider_.stats().requests, 6U);

  // What one model refuses, another may take.
  ASSERT_TRUE(client.embed({.model = "other"}).answer);
  EXPECT_THAT(provider_.last_request().body, HasSubstr("encoding_format"));
}

TEST_F(OpenAiEmbedderTest, ARefusalThatStaysIsMisconfigured) {
  Client client(endpoint_of(provider_));
  provider_.answers_always(Answer::raw(422, kMistral));
  const Reply reply = client.embed({.send_dimensions = true});
  ASSERT_FALSE(reply.answer);
  EXPECT_EQ(reply.answer.error().kind, ErrorKind::misconfigured) << reply.answer.error().message;
  EXPECT_EQ(provider_.stats().requests, 2U);
}

TEST_F(OpenAiEmbedderTest, OtherDimensionsAfterARefusalSayWhatToDo) {
  Client client(endpoint_of(provider_));
  provider_.answers_next(1, Answer::raw(400, kVllm));
  const Reply reply = client.embed({.dimensions = 4, .send_dimensions = true});
  ASSERT_FALSE(reply.answer);
  EXPECT_EQ(reply.answer.error().kind, ErrorKind::misconfigured);
  EXPECT_THAT(reply.answer.error().message,
              AllOf(HasSubstr("8 dimensions where 4 are expected"), HasSubstr("--dimensions"),
                    HasSubstr("--model"), HasSubstr("matryoshka")));
}

TEST_F(OpenAiEmbedderTest, AnEmptyAnswerIsAskedForOnceMoreAsNumbers) {
  for (const char* empty : {R"({"object":"list","data":[],"model":"m"})",
                            R"({"data":[{"index":0,"embedding":[]},{"index":1,"embedding":[]}]})"}) {
    Client client(endpoint_of(provider_));
    provider_.answers_next(1, Answer::raw(200, empty));
    ASSERT_TRUE(client.embed().answer);
    EXPECT_EQ(provider_.last_request().body, fmt::format("{}}}", kInputs));

    Client another(endpoint_of(provider_));
    const std::uint64_t before = provider_.stats().requests;
    provider_.answers_next(2, Answer::raw(200, empty));
    const Reply reply = another.embed();
    ASSERT_FALSE(reply.answer);
    EXPECT_EQ(reply.answer.error().kind, ErrorKind::invalid_answer);
    EXPECT_EQ(provider_.stats().requests - before, 2U);
  }
}

TEST_F(OpenAiEmbedderTest, AzureHasItsOwnPathAndKeyHeader) {
  provider::EndpointConfig config = endpoint_of(provider_);
  config.dialect = provider::Dialect::azure;
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
    provider::EndpointConfig config = endpoint_of(provider);
    config.api_key = Secret(key);
    Client client(config);
    for (const char* said : {"Incorrect", "request headers"}) {
      const Reply reply = client.embed();
      ASSERT_FALSE(reply.answer);
      EXPECT_THAT(reply.answer.error().message, AllOf(HasSubstr(said), Not(HasSubstr("secret"))));
    }
  }
}

/// Keys of every endpoint, wherever and however the server repeats them: whole, cut off, in another case,
/// encoded.
TEST_F(OpenAiEmbedderTest, NoPieceOfASecretIsInAnythingThatAnAnswerBecomes) {
  const std::string key = "k3y/5e4F1a90c3+Qz-Wm7", header = "h34der-v4lue-0815",
                    other = "an0ther-endp0ints-key";
  ScriptedProvider provider({.dimensions = 8, .key = key});
  provider::EndpointConfig config = endpoint_of(provider);
  config.api_key = Secret(key);
  config.headers = {"X-Api-Key: " + header, "Authorization-Extra: Basic " + header};
  Client client(config);
  provider::EndpointConfig beside = endpoint_of(provider);
  beside.api_key = Secret(other);
  const Client also(beside);

  for (const std::string& secret : {key, header, other}) {
    std::string upper = secret;
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const std::string before_the_cut(300 - std::string_view("HTTP 400 x: ").size() - secret.size() + 1, '.');
    for (const std::string& echo :
         {secret, upper, "Bearer " + secret, base64(secret), before_the_cut + secret}) {
      for (const Answer& answer :
           {Answer::error(400, "x", echo), Answer::error(400, echo), Answer::raw(500, echo)}) {
        provider.answers_next(1, Answer(answer).with("x-request-id", echo.substr(0, 100)));
        const Reply reply = client.embed();
        ASSERT_FALSE(reply.answer);
        EXPECT_EQ(piece_in(reply.answer.error().message, secret), "") << reply.answer.error().message;
        EXPECT_EQ(piece_in(reply.request_id, secret), "") << reply.request_id;
      }
      provider.answers_next(
          1, Answer::raw(
                 200, vectors_body({.model = echo, .inputs = {"one", "two"}, .dimensions = 8}, Fault::none)));
      const Reply reply = client.embed();
      ASSERT_TRUE(reply.answer) << reply.answer.error().message;
      EXPECT_EQ(piece_in(reply.answer->model, secret), "") << reply.answer->model;
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
  provider::EndpointConfig config = endpoint_of(provider_);
  config.document_prefix = "search_document: ";
  config.limits.max_input_tokens = 512;
  provider::Loop loop;
  EXPECT_EQ(provider::OpenAiEmbedder(loop, config).limits(config.name).max_input_tokens, 512U - 17);
  config.limits.max_input_tokens = 8;
  EXPECT_EQ(provider::OpenAiEmbedder(loop, config).limits(config.name).max_input_tokens, 1U);
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

TEST_F(OpenAiEmbedderTest, AServerThatIsInAHurryIsReadAsItIs) {
  Client client(endpoint_of(provider_));
  const auto wait = [&](std::string_view header, std::string_view value) {
    provider_.answers_next(1, Answer::error(503, "overloaded").with(header, value));
    const Reply reply = client.embed();
    return reply.answer ? std::nullopt : reply.answer.error().retry_after;
  };
  // What becomes of it is endpoint_pause()'s to say: nothing.
  EXPECT_EQ(wait("retry-after", "0"), Duration{});
  EXPECT_EQ(wait("retry-after", "0.001"), milliseconds(1));
  EXPECT_EQ(wait("retry-after-ms", "0"), Duration{});
  EXPECT_EQ(wait("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT"), Duration{}) << "long gone";
}

TEST_F(OpenAiEmbedderTest, TokensThatCannotBeTrueAreNotBelieved) {
  Client client(endpoint_of(provider_));
  const auto embed = [&](std::string_view usage) {
    provider_.answers_next(1, Answer::raw(200, fmt::format(R"({{"data":[{0},{0}],"usage":{1}}})",
                                                           R"({"embedding":[1,0,0,0,0,0,0,0]})", usage)));
    const Reply reply = client.embed();  // of "one" and "two"
    EXPECT_TRUE(reply.answer) << usage;
    return reply.answer ? *reply.answer : EmbedAnswer();
  };
  constexpr std::uint64_t kMost = 6 + 2 * 64;  // a token a byte, and a few that the server adds to each input
  for (const auto& [usage, tokens] :
       std::initializer_list<std::pair<const char*, std::uint64_t>>{{R"({"prompt_tokens":2})", 2},
                                                                    {R"({"prompt_tokens":134})", 134},
                                                                    {R"({"prompt_tokens":2.0})", 2},
                                                                    {R"({"total_tokens":3})", 3},
                                                                    {R"({"prompt_tokens":-5})", 0},
                                                                    {R"({"prompt_tokens":"12"})", 0},
                                                                    {R"({"prompt_tokens":null})", 0},
                                                                    {R"(null)", 0}}) {
    const EmbedAnswer answer = embed(usage);
    EXPECT_EQ(answer.tokens, tokens) << usage;
    EXPECT_EQ(answer.claimed, 0U) << usage;
  }
  for (const char* much : {"135", "9223372036854775807", "18446744073709551615", "1e300"}) {
    const EmbedAnswer answer = embed(fmt::format(R"({{"prompt_tokens":{}}})", much));
    EXPECT_EQ(answer.tokens, kMost) << much;
    EXPECT_GT(answer.claimed, kMost) << much;
  }
  // One that no number can hold is none.
  EXPECT_LE(embed(R"({"prompt_tokens":99999999999999999999999})").tokens, kMost);
}

TEST_F(OpenAiEmbedderTest, AFailureSaysWhetherItMayHaveCostSomething) {
  provider::EndpointConfig config = endpoint_of(provider_);
  config.timeout = seconds(1);
  Client client(config);
  const auto billed = [&](Answer answer) {
    provider_.answers_next(1, std::move(answer));
    const Reply reply = client.embed();
    EXPECT_FALSE(reply.answer);
    return !reply.answer && reply.answer.error().billed;
  };
  for (const Fault fault : {Fault::disconnect, Fault::disconnect_in_body, Fault::truncated, Fault::zeros,
                            Fault::wrong_dimensions, Fault::html, Fault::error_in_200})
    EXPECT_TRUE(billed(Answer::broken(fault))) << name_of(fault);
  for (const int status : {408, 502, 504}) EXPECT_TRUE(billed(Answer::error(status, "late"))) << status;
  for (const int status : {400, 401, 404, 429, 500, 503})
    EXPECT_FALSE(billed(Answer::error(status, "no"))) << status;

  config.base_url = "http://127.0.0.1:1/v1";
  Client nobody(config);
  const Reply reply = nobody.embed();
  ASSERT_FALSE(reply.answer);
  EXPECT_FALSE(reply.answer.error().billed) << "nothing was sent";
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
                            Fault::no_usage, Fault::pretty, Fault::byte_order_mark}) {
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
  provider::EndpointConfig config = endpoint_of(provider_);
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
  provider::EndpointConfig config = endpoint_of(provider_);
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
  provider::EndpointConfig config = endpoint_of(provider_);
  config.document_prefix = "passage: ";
  config.query_prefix = "query: ";
  const auto answer = provider::embed_once(config, config.query_prefix, "m", 8, false, {"what is it"});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(answer->vectors.values, testing::ElementsAreArray(expected_vector("query: what is it", 8)));
}

TEST_F(OpenAiEmbedderTest, ADestroyedEmbedderLeavesNothingBehind) {
  provider_.hold();
  provider::Loop loop;
  {
    provider::OpenAiEmbedder embedder(loop, endpoint_of(provider_));
    embedder.start({.id = 1, .model = "m", .dimensions = 8, .inputs = {"text"}});
    loop.wait_until(provider::SteadyClock().now());
  }
  provider_.release();
  loop.wait_until(provider::SteadyClock().now() + milliseconds(20));
}

}  // namespace
}  // namespace embedd::test
