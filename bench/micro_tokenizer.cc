// Speed of the exact tokenizer on ordinary and on hostile texts, and what its vocabulary costs.

#include <benchmark/benchmark.h>

#include <random>

#include "base/check.h"
#include "bench/texts.h"
#include "text/catalog.h"
#include "text/cl100k_embedded.h"

namespace embedd {
namespace {

const Tokenizer& cl100k() {
  static const Tokenizers tokenizers;
  CHECK(tokenizers.exact_for("text-embedding-3-small"),
        "built without the vocabulary: run ./dev setup first");
  return tokenizers.tokenizer_for("text-embedding-3-small");
}

void count_tokens(benchmark::State& state, const std::string& text) {
  std::size_t tokens = 0;
  for (auto _ : state) benchmark::DoNotOptimize(tokens = cl100k().count(text));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
  state.counters["tokens"] = static_cast<double>(tokens);
}

std::string random_letters(std::size_t bytes) {
  std::mt19937 random(1);
  std::string out(bytes, ' ');
  for (char& c : out) c = static_cast<char>('a' + random() % 26);
  return out;
}

constexpr std::size_t kMillion = 1'000'000;
BENCHMARK_CAPTURE(count_tokens, english, bench::english());
BENCHMARK_CAPTURE(count_tokens, code, bench::code());
BENCHMARK_CAPTURE(count_tokens, chinese, bench::chinese());
BENCHMARK_CAPTURE(count_tokens, one_letter_1mb, std::string(kMillion, 'a'))->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(count_tokens, spaces_1mb, std::string(kMillion, ' '))->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(count_tokens, spaces_x_1mb, std::string(kMillion, ' ') + "x")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(count_tokens, newline_space_1mb, bench::repeated("\n ", kMillion) + "x")
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(count_tokens, equals_signs_1mb, std::string(kMillion, '='))->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(count_tokens, one_han_1mb, bench::repeated("中", kMillion))->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(count_tokens, one_emoji_1mb, bench::repeated("😀", kMillion))
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(count_tokens, random_letters_1mb, random_letters(kMillion))->Unit(benchmark::kMillisecond);

void cut_to_8191_tokens(benchmark::State& state) {
  const std::string text = bench::repeated(bench::english(), kMillion);
  for (auto _ : state) benchmark::DoNotOptimize(cl100k().prefix_bytes(text, 8191));
}
BENCHMARK(cut_to_8191_tokens)->Unit(benchmark::kMillisecond);

void load_vocabulary(benchmark::State& state) {
  std::size_t memory = 0;
  for (auto _ : state) {
    const auto ranks = Cl100kRanks::parse(cl100k_embedded());
    memory = ranks->memory_bytes();
  }
  state.counters["memory_bytes"] = static_cast<double>(memory);
}
BENCHMARK(load_vocabulary)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace embedd
