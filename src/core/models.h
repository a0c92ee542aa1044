/// Facts about embedding models by name: one table for declaring and for counting tokens. What models cost is
/// in core/prices.h.
#pragma once

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
  bool cl100k;  ///< the model's tokens are those of cl100k_base
};

/// Null for a model that is not in the table.
const ModelFacts* model_facts(std::string_view name);

}  // namespace embedd
