#include "core/equal_vectors.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace embedd {

namespace {

std::string_view bytes_of(const Embeddings& vectors, std::size_t slot) {
  const float* const first = vectors.values.data() + slot * vectors.dimensions;
  return {reinterpret_cast<const char*>(first), vectors.dimensions * sizeof(float)};
}

/// Hashes the beginning alone: vectors of different texts differ there, and most vectors are compared once.
struct HashOfBeginning {
  std::size_t operator()(std::string_view bytes) const {
    constexpr std::size_t kBeginning = 128;
    return std::hash<std::string_view>()(bytes.substr(0, kBeginning));
  }
};

}  // namespace

std::vector<EqualInputs> equal_vectors(const Batch& batch, const Embeddings& vectors) {
  std::unordered_map<std::string_view, EqualInputs, HashOfBeginning> by_vector;
  by_vector.reserve(batch.travelling.size());
  for (std::size_t i = 0; i < batch.travelling.size(); ++i) by_vector[bytes_of(vectors, i)].push_back(i);
  std::vector<EqualInputs> equal;
  if (by_vector.size() == batch.travelling.size()) return equal;
  const std::vector<std::string_view> texts = batch.inputs();
  for (auto& [vector, inputs] : by_vector)
    // Pieces of long texts may be the same text, and then travel more than once.
    if (std::ranges::any_of(inputs, [&](std::size_t i) { return texts[i] != texts[inputs.front()]; }))
      equal.push_back(std::move(inputs));
  std::ranges::sort(equal);
  return equal;
}

EqualJobs::Finding EqualJobs::answered(const Embeddings& vectors, std::size_t slot) {
  const std::uint64_t fingerprint = std::hash<std::string_view>()(bytes_of(vectors, slot));
  differ_ = differ_ || first_.value_or(fingerprint) != fingerprint;
  first_ = fingerprint;
  if (++answered_ < jobs_) return Finding::unknown;
  return differ_ ? Finding::different : Finding::equal;
}

}  // namespace embedd
