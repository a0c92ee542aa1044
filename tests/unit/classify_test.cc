#include "provider/classify.h"

#include <curl/curl.h>
#include <gtest/gtest.h>

#include <ostream>

#include "support/print.h"

namespace embedd {

namespace {

using enum ErrorKind;

provider::ResponseHeaders headers_of(std::initializer_list<std::string_view> lines) {
  provider::ResponseHeaders headers;
  for (const std::string_view line : lines) EXPECT_TRUE(headers.add_line(line));
  return headers;
}

Error classify_body(int status, std::string_view body) { return provider::classify(status, {}, body, 0); }

struct Row {
  std::string_view what;
  int status;
  std::string_view body;
  ErrorKind kind;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.what; }

class Classify : public ::testing::TestWithParam<Row> {};

TEST_P(Classify, ByWhatTheAnswerSays) {
  const Row& row = GetParam();
  const Error error = classify_body(row.status, row.body);
  EXPECT_EQ(error.kind, row.kind) << row.what << ": " << error.message;
  EXPECT_FALSE(error.message.empty());
}

const Row kOpenAi[] = {
    {"input too long", 400,
     R"({"error":{"message":"This model's maximum context length is 8192 tokens, however you requested 9000 tokens (9000 in your prompt; 0 for the completion). Please reduce your prompt; or completion length.","type":"invalid_request_error","param":null,"code":null}})",
     too_large},
    {"too many tokens", 400,
     R"({"error":{"message":"Requested 400000 tokens, max 300000 tokens per request","type":"max_tokens_per_request","param":null,"code":"max_tokens_per_request"}})",
     too_large},
    {"too many inputs", 400,
     R"({"error":{"message":"Invalid 'input': array too long. Expected an array with maximum length 2048, but got an array with length 3000 instead.","type":"invalid_request_error","param":"input","code":"array_above_max_length"}})",
     too_large},
    {"empty string", 400,
     R"({"error":{"message":"'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference.","type":"invalid_request_error","param":null,"code":null}})",
     rejected},
    {"wrong key", 401,
     R"({"error":{"message":"Incorrect API key provided: sk-ab**yz.","type":"invalid_request_error","param":null,"code":"invalid_api_key"}})",
     unauthenticated},
    {"no access", 403,
     R"({"error":{"message":"Country, region, or territory not supported","type":"request_forbidden","param":null,"code":"unsupported_country_region_territory"}})",
     unauthenticated},
    {"no such model, 403", 403,
     R"({"error":{"message":"Project `proj_x` does not have access to model `m`","type":"invalid_request_error","param":null,"code":"model_not_found"}})",
     misconfigured},
    {"no such model, 404", 404,
     R"({"error":{"message":"The model `m` does not exist","type":"invalid_request_error","param":null,"code":"model_not_found"}})",
     misconfigured},
    {"dimensions refused", 400,
     R"({"error":{"message":"This model does not support specifying dimensions.","type":"invalid_request_error","param":null,"code":null}})",
     misconfigured},
    {"too many dimensions", 400,
     R"({"error":{"message":"Invalid value for 'dimensions' = 4096. Must be less than or equal to 1536.","type":"invalid_request_error","param":null,"code":null}})",
     misconfigured},
    {"rate, tokens", 429,
     R"({"error":{"message":"Rate limit reached for x on tokens per min (TPM). Please try again in 2.812s.","type":"tokens","param":null,"code":"rate_limit_exceeded"}})",
     rate_limited},
    {"rate, requests", 429,
     R"({"error":{"message":"Rate limit reached for x on requests per min (RPM): Limit 3, Used 3. Please try again in 20s.","type":"requests","param":null,"code":"rate_limit_exceeded"}})",
     rate_limited},
    {"ramp", 429, R"({"error":{"message":"Slow down","type":"requests","param":null,"code":"slow_down"}})",
     rate_limited},
    {"ramp as 503", 503,
     R"({"error":{"message":"Slow Down","type":"server_error","param":null,"code":"slow_down"}})",
     rate_limited},
    {"money", 429,
     R"({"error":{"message":"You exceeded your current quota, please check your plan and billing details.","type":"insufficient_quota","param":null,"code":"insufficient_quota"}})",
     quota_exhausted},
    {"money, by type alone", 429, R"({"error":{"message":"quota","type":"insufficient_quota","code":null}})",
     quota_exhausted},
    {"credit", 429, R"({"error":{"message":"x","type":"t","code":"credit_balance_exhausted"}})",
     quota_exhausted},
    {"spend", 429, R"({"error":{"message":"x","type":"t","code":"project_spend_limit_exceeded"}})",
     quota_exhausted},
    {"usage", 429, R"({"error":{"message":"x","type":"t","code":"organization_usage_limit_exceeded"}})",
     quota_exhausted},
    {"500", 500,
     R"({"error":{"message":"The server had an error","type":"server_error","param":null,"code":null}})",
     unavailable},
    {"502 with HTML", 502, "<html><head><title>502 Bad Gateway</title></head></html>", unavailable},
    {"503", 503, "", unavailable},
    {"504", 504, "upstream request timeout", unavailable},
    {"408", 408, "", unavailable},
    {"409", 409, "", unavailable},
    {"an error object in a 200", 200,
     R"({"error":{"message":"overloaded","type":"server_error","code":null}})", unavailable},
    {"quota in a 200", 200, R"({"error":{"message":"x","code":"insufficient_quota"}})", quota_exhausted},
};
INSTANTIATE_TEST_SUITE_P(OpenAi, Classify, ::testing::ValuesIn(kOpenAi));

const Row kCompatible[] = {
    {"TEI, batch size", 422,
     R"({"message":"batch size 64 > maximum allowed batch size 32","code":422,"type":"Validation"})",
     too_large},
    {"TEI, batch size, its own shape", 422,
     R"({"error":"batch size 64 > maximum allowed batch size 32","error_type":"Validation"})", too_large},
    {"TEI, body over 2 MB, plain text", 413, "Failed to buffer the request body: length limit exceeded",
     too_large},
    {"TEI, input", 413,
     R"({"message":"Input validation error: `inputs` must have less than 512 tokens. Given: 700","code":413,"type":"Validation"})",
     too_large},
    {"TEI, overloaded", 429, R"({"message":"Model is overloaded","code":429,"type":"Overloaded"})",
     rate_limited},
    {"TEI, backend", 424, R"({"message":"Inference failed","code":424,"type":"Backend"})", unavailable},
    {"TEI, other validation", 422, R"({"message":"`inputs` cannot be empty","code":422,"type":"Validation"})",
     rejected},
    {"Ollama, NaN", 500,
     R"({"error":{"message":"failed to encode response: json: unsupported value: NaN","type":"api_error"}})",
     rejected},
    {"Ollama, no model", 404,
     R"({"error":{"message":"model \"m\" not found, try pulling it first","type":"api_error"}})",
     misconfigured},
    {"Ollama, context", 400, R"({"error":"the input length exceeds the context length"})", too_large},
    {"llama.cpp, micro-batch", 500,
     R"({"error":{"code":500,"message":"input is too large to process. increase the physical batch size","type":"server_error"}})",
     too_large},
    {"llama.cpp, micro-batch, newer", 500,
     R"({"error":{"code":500,"message":"input (700 tokens) is too large to process. increase the physical batch size","type":"server_error"}})",
     too_large},
    {"llama.cpp, loading", 503,
     R"({"error":{"code":503,"message":"Loading model","type":"unavailable_error"}})", unavailable},
    {"vLLM, matryoshka", 400,
     R"({"object":"error","message":"Model \"m\" does not support matryoshka representation, changing output dimensions will lead to poor results.","type":"BadRequestError","param":null,"code":400})",
     misconfigured},
    {"vLLM, context", 400,
     R"({"object":"error","message":"This model's maximum context length is 512 tokens. However, you requested 600 tokens in the input for embedding generation.","type":"BadRequestError","param":null,"code":400})",
     too_large},
    {"Gemini, batch", 400,
     R"([{"error":{"code":400,"message":"* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch","status":"INVALID_ARGUMENT"}}])",
     too_large},
    {"Gemini, key", 400,
     R"([{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}])",
     unauthenticated},
    {"Gemini, rate, in the words of a quota", 429,
     R"([{"error":{"code":429,"message":"You exceeded your current quota. Please retry in 34.07s.","status":"RESOURCE_EXHAUSTED"}}])",
     rate_limited},
    {"Voyage, batch", 400, R"({"detail":"The batch size limit is 1000. Your batch size is 2000."})",
     too_large},
    {"Voyage, tokens", 400,
     R"({"detail":"Request to model 'voyage-3' failed. The max allowed tokens per submitted batch is 120000. Your batch has 250000 tokens after truncation."})",
     too_large},
    {"Voyage, float", 400,
     R"({"detail":"Value 'float' supplied for argument 'encoding_format' is not valid -- accepted values are [None, 'base64']."})",
     misconfigured},
    {"a cap of 64", 413,
     R"({"code":20042,"message":"input batch size 100 > maximum allowed batch size 64","data":null})",
     too_large},
    {"a cap of 96", 400,
     R"({"message":"invalid request: total number of texts must be at most 96 - received 100"})", too_large},
    {"a cap of 1024", 422,
     R"({"detail":[{"type":"too_long","loc":["body","input"],"msg":"List should have at most 1024 items after validation, not 2048"}]})",
     too_large},
    {"Voyage, key", 401, R"({"detail":"Provided API key is invalid."})", unauthenticated},
    {"Mistral, dimensions", 422,
     R"({"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","dimensions"],"msg":"Extra inputs are not permitted","input":256}]},"type":"invalid_request_error","code":null})",
     misconfigured},
    {"Mistral, tokens", 400,
     R"({"object":"error","message":"Too many tokens overall, split into more batches.","type":"invalid_request_prompt","param":null,"code":"3210"})",
     too_large},
    {"FastAPI, dimensions", 422,
     R"({"detail":[{"type":"extra_forbidden","loc":["body","dimensions"],"msg":"Extra inputs are not permitted","input":256}]})",
     misconfigured},
    {"FastAPI, a text that talks like an error", 422,
     R"({"detail":[{"type":"value_error","loc":["body","input",3],"msg":"Value error","input":"does not support matryoshka; invalid model; API key not valid"}]})",
     rejected},
    {"Azure, no deployment", 404,
     R"({"error":{"code":"DeploymentNotFound","message":"The API deployment for this resource does not exist."}})",
     misconfigured},
    {"Azure, key", 401,
     R"({"error":{"code":"401","message":"Access denied due to invalid subscription key"}})",
     unauthenticated},
    {"Azure, inputs", 400,
     R"({"error":{"message":"Too many inputs. The max number of inputs is 16.","type":"invalid_request_error","param":null,"code":null}})",
     too_large},
    {"DashScope", 400,
     R"({"error":{"code":"InvalidParameter","message":"<400> InternalError.Algo.InvalidParameter: Value error, batch size is invalid, it should not be larger than 10.: input.contents","param":null,"type":"InvalidParameter"}})",
     too_large},
    {"DeepSeek, money", 402,
     R"({"error":{"message":"Insufficient Balance","type":"unknown_error","param":null,"code":"invalid_request_error"}})",
     quota_exhausted},
    {"code as null", 400, R"({"error":{"message":"no","code":null}})", rejected},
    {"code as number", 400, R"({"error":{"message":"no","code":400}})", rejected},
    {"a bare string", 400, R"("bad input")", rejected},
    {"plain text", 400, "bad input", rejected},
    {"nothing", 400, "", rejected},
    {"nginx, body", 413, "<html><head><title>413 Request Entity Too Large</title></head></html>", too_large},
    {"redirect", 302, "", misconfigured},
    {"wrong path", 404, "404 page not found", misconfigured},
    {"wrong method", 405, R"({"detail":"Method Not Allowed"})", misconfigured},
    {"proxy", 407, "", unauthenticated},
};
INSTANTIATE_TEST_SUITE_P(Compatible, Classify, ::testing::ValuesIn(kCompatible));

TEST(ClassifyRetryAfter, SecondsMillisecondsDatesAndWords) {
  const auto wait = [](std::initializer_list<std::string_view> lines, std::string_view body = "") {
    return provider::classify(429, headers_of(lines), body, 784111777).retry_after;
  };
  EXPECT_EQ(wait({}), std::nullopt);
  EXPECT_EQ(wait({"Retry-After: 7\r\n"}), seconds(7));
  EXPECT_EQ(wait({"retry-after: 0.5"}), milliseconds(500));
  EXPECT_EQ(wait({"Retry-After-Ms: 1500", "retry-after: 9"}), milliseconds(1500));
  EXPECT_EQ(wait({"x-ms-retry-after-ms: 250"}), milliseconds(250));
  EXPECT_EQ(wait({"retry-after: -3"}), std::nullopt);
  EXPECT_EQ(wait({"retry-after: soon"}), std::nullopt);
  // 784111777 is Sun, 06 Nov 1994 08:49:37 GMT, RFC 9110's own example.
  EXPECT_EQ(wait({"retry-after: Sun, 06 Nov 1994 08:49:47 GMT"}), seconds(10));
  EXPECT_EQ(wait({"retry-after: Sun, 06 Nov 1994 08:49:07 GMT"}), seconds(0));
  EXPECT_EQ(wait({"date: Sun, 06 Nov 1994 08:49:42 GMT", "retry-after: Sun, 06 Nov 1994 08:49:47 GMT"}),
            seconds(5));
  EXPECT_EQ(wait({}, R"({"error":{"message":"Please try again in 2.812s. Visit x"}})"), milliseconds(2812));
  EXPECT_EQ(wait({}, R"({"error":{"message":"Please try again in 6m0s."}})"), minutes(6));
  EXPECT_EQ(wait({}, R"({"error":{"message":"Please try again in 20ms."}})"), milliseconds(20));
  EXPECT_EQ(wait({}, R"({"error":{"code":"429","message":"Please retry after 3 seconds."}})"), seconds(3));
}

TEST(ClassifyShouldRetry, MayClearARowOfBlameButNeverBlamesOne) {
  EXPECT_EQ(provider::classify(400, headers_of({"x-should-retry: true"}), "", 0).kind, unavailable);
  EXPECT_EQ(provider::classify(500, headers_of({"x-should-retry: false"}), "", 0).kind, unavailable);
  EXPECT_EQ(provider::classify(429, headers_of({"x-should-retry: false"}), "", 0).kind, quota_exhausted);
  EXPECT_EQ(provider::classify(429, headers_of({"x-should-retry: true"}),
                               R"({"error":{"code":"insufficient_quota"}})", 0)
                .kind,
            quota_exhausted);
}

TEST(ClassifyMessages, AreShortOnOneLineAndHoldNoKey) {
  const Error error = classify_body(
      401, "{\"error\":{\"message\":\"Incorrect API key provided: sk-proj-abcdef\\n\\u0007see\\tdocs\"}}");
  EXPECT_EQ(error.message, "HTTP 401: Incorrect API key provided: *** see docs");
  EXPECT_LE(classify_body(400, std::string(5000, 'x')).message.size(), 310U);
  EXPECT_EQ(provider::presentable("äöü", 3), "ä…");
  EXPECT_EQ(provider::presentable("task-force"), "task-force");
}

TEST(ClassifyMessages, AreFoundBehindAByteOrderMark) {
  EXPECT_EQ(classify_body(401, "\xEF\xBB\xBF{\"error\":{\"message\":\"no such key\"}}").message,
            "HTTP 401: no such key");
}

TEST(ClassifyMessages, LeaveOutATextThatTheServerEchoes) {
  const Error error = classify_body(
      422,
      R"({"detail":[{"loc":["body","input",0],"msg":"Input should be shorter","input":"a private text"}]})");
  EXPECT_EQ(error.message, "HTTP 422: Input should be shorter");
}

TEST(RefusedParameters, AreFoundInManyServersWords) {
  const auto refused = [](int status, std::string_view body) {
    const auto parameter = provider::refused_parameter(status, body);
    return parameter ? std::string(name_of(*parameter)) : std::string();
  };
  EXPECT_EQ(
      refused(422,
              R"({"detail":[{"loc":["body","encoding_format"],"msg":"Extra inputs are not permitted"}]})"),
      "encoding_format");
  EXPECT_EQ(refused(400, R"({"error":{"message":"encoding_format 'base64' is not supported"}})"),
            "encoding_format");
  EXPECT_EQ(refused(400, R"({"error":{"message":"Unknown parameter","param":"dimensions"}})"), "dimensions");
  EXPECT_EQ(refused(400, R"({"message":"Model does not support matryoshka representation"})"), "dimensions");
  EXPECT_EQ(refused(400, R"({"error":{"message":"This model does not support specifying dimensions."}})"),
            "dimensions");
  EXPECT_EQ(
      refused(422, R"({"detail":[{"loc":["body","dimensions"],"msg":"Extra inputs are not permitted"}]})"),
      "dimensions");
  EXPECT_EQ(refused(400, R"({"error":{"message":"the input is too long","param":"input"}})"), "");
  EXPECT_EQ(refused(500, R"({"message":"does not support matryoshka representation"})"), "");
  EXPECT_EQ(refused(400, "not JSON"), "");
}

TEST(ClassifyTransfer, EveryFailureIsUnavailableAndSaysWhatToDo) {
  const auto message = [](CURLcode code, std::string_view detail) {
    const Error error = provider::classify_transfer(code, detail, "api.example.com");
    EXPECT_EQ(error.kind, unavailable);
    return error.message;
  };
  EXPECT_EQ(message(CURLE_COULDNT_RESOLVE_HOST, "x"), "api.example.com: the name does not resolve (DNS)");
  EXPECT_EQ(message(CURLE_OPERATION_TIMEDOUT, "no bytes in 60 s"),
            "api.example.com: timed out: no bytes in 60 s");
  EXPECT_EQ(message(CURLE_HTTP2, ""), "api.example.com: Error in the HTTP2 framing layer");
}

}  // namespace
}  // namespace embedd
