// Speed of reading an embeddings answer: 64 vectors of 1536 dimensions, as base64 and as numbers.

#include <benchmark/benchmark.h>

#include <string>
#include <vector>

#include "provider/base64.h"
#include "provider/response.h"

namespace embedd {
namespace {

constexpr std::size_t kInputs = 64;
constexpr std::uint32_t kDimensions = 1536;

/// Base64 of 0.5, 0.25, 0.125 over and over.
std::string base64_vector() {
  std::string text;
  for (std::uint32_t i = 0; i < kDimensions / 3; ++i) text += "AAAAPwAAgD4AAAA+";
  return text;
}

std::string float_vector() {
  std::string text = "[-0.0123456789";
  for (std::uint32_t i = 1; i < kDimensions; ++i) text += ",0.0234567891";
  return text + "]";
}

std::string body_of(const std::string& embedding) {
  std::string body = R"({"object":"list","data":[)";
  for (std::size_t i = 0; i < kInputs; ++i)
    body += (i > 0 ? "," : "") + (R"({"object":"embedding","index":)" + std::to_string(i)) +
            R"(,"embedding":)" + embedding + "}";
  return body + R"(],"model":"m","usage":{"prompt_tokens":64,"total_tokens":64}})";
}

void decode(benchmark::State& state) {
  const std::string text = base64_vector();
  std::vector<float> values(kDimensions);
  for (auto _ : state) {
    benchmark::DoNotOptimize(provider::base64_decode(text, values.data()));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

void read_answer(benchmark::State& state, const std::string& embedding) {
  std::string body = body_of(embedding);
  provider::ResponseParser parser;
  for (auto _ : state) {
    auto answer = parser.parse(body, {}, {.inputs = kInputs, .dimensions = kDimensions, .model = "m"});
    if (!answer) state.SkipWithError(answer.error().message.c_str());
    benchmark::DoNotOptimize(answer);
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * body.size()));
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kInputs));
}

BENCHMARK(decode);
BENCHMARK_CAPTURE(read_answer, base64, '"' + base64_vector() + '"');
BENCHMARK_CAPTURE(read_answer, floats, float_vector());

}  // namespace
}  // namespace embedd
