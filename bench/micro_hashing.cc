// Speed of the built-in hashing embedder.

#include <benchmark/benchmark.h>

#include <vector>

#include "bench/texts.h"
#include "text/hashing.h"

namespace embedd {
namespace {

void embed_locally(benchmark::State& state, const std::string& text) {
  std::vector<float> vector(1536);
  for (auto _ : state) {
    hash_embed(text, vector);
    benchmark::DoNotOptimize(vector.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * text.size()));
}

BENCHMARK_CAPTURE(embed_locally, english_200_bytes, bench::english().substr(1000, 200));
BENCHMARK_CAPTURE(embed_locally, english_1500_bytes, bench::english().substr(1000, 1500));
BENCHMARK_CAPTURE(embed_locally, english_35_kb, bench::english());
BENCHMARK_CAPTURE(embed_locally, chinese_60_kb, bench::chinese());
BENCHMARK_CAPTURE(embed_locally, one_letter_1mb, std::string(1'000'000, 'a'));

}  // namespace
}  // namespace embedd
