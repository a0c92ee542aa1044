#include "provider/named_limits.h"

#include <gtest/gtest.h>

#include <ostream>

#include "provider/classify.h"

namespace embedd {
namespace {

struct Row {
  std::string_view what;
  int status;
  std::string_view body;
  std::uint64_t text_tokens, found_tokens, inputs;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.what; }

class NamedLimitsOf : public ::testing::TestWithParam<Row> {};

TEST_P(NamedLimitsOf, TheServersWords) {
  const Row& row = GetParam();
  const Error error = provider::classify(row.status, {}, row.body, 0);
  EXPECT_EQ(error.kind, ErrorKind::too_large) << error.message;
  EXPECT_EQ(error.limits.text_tokens, row.text_tokens);
  EXPECT_EQ(error.limits.found_tokens, row.found_tokens);
  EXPECT_EQ(error.limits.inputs, row.inputs);
}

const Row kTexts[] = {
    {"OpenAI", 400,
     R"({"error":{"message":"This model's maximum context length is 8192 tokens, however you requested 9000 tokens (9000 in your prompt; 0 for the completion). Please reduce your prompt; or completion length.","type":"invalid_request_error","param":null,"code":null}})",
     8192, 9000, 0},
    {"vLLM", 400,
     R"({"object":"error","message":"This model's maximum context length is 256 tokens. However, you requested 757 tokens in the input for embedding generation. Please reduce the length of the input.","type":"BadRequestError","param":null,"code":400})",
     256, 757, 0},
    {"vLLM, newer", 400,
     R"({"error":{"message":"This model's maximum context length is 512 tokens, but the prompt contains 600 input tokens.","type":"BadRequestError","param":"input_tokens","code":400}})",
     512, 600, 0},
    {"TEI", 413,
     R"({"message":"Input validation error: `inputs` must have less than 512 tokens. Given: 700","code":413,"type":"Validation"})",
     512, 700, 0},
    {"llama.cpp, micro-batch", 500,
     R"x({"error":{"code":500,"message":"input (700 tokens) is too large to process. increase the physical batch size (current batch size: 512)","type":"server_error"}})x",
     512, 700, 0},
    {"llama.cpp, context", 400,
     R"({"error":{"code":400,"message":"request (2100 tokens) exceeds the available context size (2048 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":2100,"n_ctx":2048}})",
     2048, 2100, 0},
    {"llama-cpp-python", 400,
     R"({"error":{"message":"Requested tokens (757) exceed context window of 512","type":"invalid_request_error"}})",
     512, 757, 0},
    {"SGLang", 400,
     R"({"object":"error","message":"The input (700 tokens) is longer than the model's context length (512 tokens).","type":"BadRequestError","code":400})",
     512, 700, 0},
    {"NVIDIA NIM", 400,
     R"({"object":"error","message":"Input length 700 exceeds maximum allowed token size 512","type":"invalid_request_error"})",
     512, 700, 0},
    {"Voyage", 400,
     R"({"detail":"The example at index 0 in your batch has too many tokens and does not fit into the model's context window of 32000 tokens."})",
     32000, 0, 0},
    {"Jina", 400, R"({"detail":"Single text cannot exceed 8194 tokens. 9000 tokens given."})", 8194, 9000, 0},
    {"Ollama names none", 400, R"({"error":"the input length exceeds the context length"})", 0, 0, 0},
    {"a request's tokens are not a text's", 400,
     R"({"error":{"message":"Requested 400000 tokens, max 300000 tokens per request","type":"max_tokens_per_request","code":"max_tokens_per_request"}})",
     0, 0, 0},
    {"nor are a batch's", 400,
     R"({"detail":"Request to model 'voyage-3' failed. The max allowed tokens per submitted batch is 120000. Your batch has 250000 tokens after truncation."})",
     0, 0, 0},
    {"a number too large for any", 413,
     R"({"message":"`inputs` must have less than 99999999999999999999999 tokens. Given: 700"})", 0, 0, 0},
};
INSTANTIATE_TEST_SUITE_P(Texts, NamedLimitsOf, ::testing::ValuesIn(kTexts));

const Row kRequests[] = {
    {"TEI", 422,
     R"({"message":"batch size 64 > maximum allowed batch size 32","code":422,"type":"Validation"})", 0, 0,
     32},
    {"Gemini", 400,
     R"([{"error":{"code":400,"message":"* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch","status":"INVALID_ARGUMENT"}}])",
     0, 0, 100},
    {"DashScope", 400,
     R"({"error":{"code":"InvalidParameter","message":"<400> InternalError.Algo.InvalidParameter: Value error, batch size is invalid, it should not be larger than 10.: input.contents","param":null,"type":"InvalidParameter"}})",
     0, 0, 10},
    {"OpenAI", 400,
     R"({"error":{"message":"Invalid 'input': array too long. Expected an array with maximum length 2048, but got an array with length 3000 instead.","type":"invalid_request_error","param":"input","code":"array_above_max_length"}})",
     0, 0, 2048},
    {"pydantic", 422,
     R"({"detail":[{"type":"too_long","loc":["body","input"],"msg":"List should have at most 1024 items after validation, not 2048"}]})",
     0, 0, 1024},
    {"Cohere", 400,
     R"({"message":"invalid request: total number of texts must be at most 96 - received 100"})", 0, 0, 96},
    {"Voyage", 400, R"({"detail":"The batch size limit is 1000. Your batch size is 2000."})", 0, 0, 1000},
    {"Azure", 400, R"({"error":{"message":"Too many inputs. The max number of inputs is 16."}})", 0, 0, 16},
};
INSTANTIATE_TEST_SUITE_P(Requests, NamedLimitsOf, ::testing::ValuesIn(kRequests));

TEST(NamedLimits, AreAskedOnlyOfRefusalsForSize) {
  const Error error = provider::classify(
      500, {}, R"({"error":{"message":"maximum context length is 8192 tokens, requested 9000 tokens"}})", 0);
  EXPECT_EQ(error.kind, ErrorKind::unavailable);
  EXPECT_EQ(error.limits.text_tokens, 0U);
}

}  // namespace
}  // namespace embedd
