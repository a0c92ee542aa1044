/// What is known of embedding models by their names: one table for declaring, counting tokens and costs.
#pragma once

#include <cstdint>
#include <string_view>

namespace embedd {

inline constexpr std::string_view kDefaultModel = "text-embedding-3-small";
/// The built-in embedder's (text/hashing.h).
inline constexpr std::string_view kLocalModel = "local-hashing-v1";
/// Of the default model, and of the built-in embedder where nothing else is asked for.
inline constexpr int kDefaultDimensions = 1536;

struct ModelFacts {
  enum class Dimensions {
    fixed,    ///< the answer has `dimensions`
    reduced,  ///< a request may ask for fewer
    any,      ///< a request may ask for any number
  };
  std::string_view name;
  int dimensions;  ///< where a request names none
  Dimensions may_have;
  bool cl100k;                    ///< its tokens are those of cl100k_base
  double usd_per_million_tokens;  ///< list price, without discounts for batches
};

/// Null for a model that is not in the table.
const ModelFacts* model_facts(std::string_view name);

/// 0 for a model whose price is not known.
double usd_per_million_tokens(std::string_view model);

inline double usd_of(std::string_view model, std::uint64_t tokens) {
  return usd_per_million_tokens(model) * static_cast<double>(tokens) / 1e6;
}

}  // namespace embedd
