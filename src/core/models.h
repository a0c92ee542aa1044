/// Facts about embedding models by name: one table for declaring, counting tokens and costs.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string_view>

namespace embedd {

inline constexpr std::string_view kDefaultModel = "text-embedding-3-small";
/// The model of the built-in embedder (text/hashing.h).
inline constexpr std::string_view kLocalModel = "local-hashing-v1";
/// Dimensions of the default model, and of the built-in embedder unless the declaration names others.
inline constexpr int kDefaultDimensions = 1536;

struct ModelFacts {
  enum class Dimensions {
    fixed,    ///< the answer always has `dimensions`
    reduced,  ///< a request may name fewer
    any,      ///< a request may name any number
  };
  std::string_view name;
  int dimensions;  ///< if the request names none
  Dimensions may_have;
  bool cl100k;                    ///< the model's tokens are those of cl100k_base
  double usd_per_million_tokens;  ///< list price, without discounts for batches
};

/// Null for a model that is not in the table.
const ModelFacts* model_facts(std::string_view name);

/// 0 for a model whose price is not known.
double usd_per_million_tokens(std::string_view model);

inline double usd_of(std::string_view model, std::uint64_t tokens) {
  return usd_per_million_tokens(model) * static_cast<double>(tokens) / 1e6;
}

/// Billionths of a dollar, as usage counts them, as far as bigint reaches.
inline std::int64_t nano_usd_of(std::string_view model, std::uint64_t tokens) {
  return std::llround(std::clamp(usd_of(model, tokens) * 1e9, 0.0, 9e18));
}

}  // namespace embedd
