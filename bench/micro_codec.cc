// Speed of the binary codec: what a complete sends (vectors, hashes, keys) and what a claim reads (keys).

#include <benchmark/benchmark.h>

#include <string>
#include <string_view>
#include <vector>

#include "pg/codec.h"

namespace embedd::pg {
namespace {

constexpr std::size_t kRows = 512;
constexpr std::size_t kDimensions = 1536;
constexpr TypeId kSomeVector = 16'400;  // an extension's type: the server gives it an OID of its own

/// `$n::vector[]` of a batch: n × 1536 float32 to big-endian.
void encode_vectors(benchmark::State& state) {
  const std::vector<float> values(kDimensions, 0.25F);
  for (auto _ : state) {
    BinaryArray array(kSomeVector, kRows * (kDimensions * sizeof(float) + 8));
    for (std::size_t i = 0; i < kRows; ++i) array.add_vector(values);
    benchmark::DoNotOptimize(std::move(array).take());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kRows));
  state.SetBytesProcessed(
      static_cast<std::int64_t>(state.iterations() * kRows * kDimensions * sizeof(float)));
}

void encode_hashes(benchmark::State& state) {
  for (auto _ : state) {
    BinaryArray array = BinaryArray(kInt8, kRows * 12);
    for (std::size_t i = 0; i < kRows; ++i) array.add_int8(static_cast<std::int64_t>(i) << 32);
    benchmark::DoNotOptimize(std::move(array).take());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kRows));
}

std::vector<Key> composite_keys() {
  std::vector<Key> keys;
  for (std::size_t i = 0; i < kRows; ++i) {
    std::string id;
    append_number(id, static_cast<std::int64_t>(i));
    const std::string part = "part " + std::to_string(i);
    const std::string_view columns[] = {id, part};
    keys.push_back(encode_key(columns));
  }
  return keys;
}

void encode_keys(benchmark::State& state) {
  std::string id;
  append_number(id, std::int64_t{42});
  const std::string_view columns[] = {id, "part 42"};
  for (auto _ : state) benchmark::DoNotOptimize(encode_key(columns));
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()));
}

/// Opaque keys to one array per key column, as every settling statement takes them.
void keys_to_arrays(benchmark::State& state) {
  const std::vector<Key> keys = composite_keys();
  for (auto _ : state) {
    BinaryArray ids(kInt8), parts(kText);
    for (const Key& key : keys) {
      const auto columns = decode_key(key, 2);
      ids.add(columns[0]);
      parts.add(columns[1]);
    }
    benchmark::DoNotOptimize(std::move(ids).take());
    benchmark::DoNotOptimize(std::move(parts).take());
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * kRows));
}

BENCHMARK(encode_vectors);
BENCHMARK(encode_hashes);
BENCHMARK(encode_keys);
BENCHMARK(keys_to_arrays);

}  // namespace
}  // namespace embedd::pg
