/// Finds the nearest rows of a vectorizer by cosine distance, through the table's vector index if there is
/// one.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "pg/connection.h"
#include "schema/vectorizers.h"

namespace embedd::search {

struct SearchHit {
  std::string key;                 ///< JSON: {"id": 5}
  double similarity = 0;           ///< 1 - cosine distance
  std::string preview;             ///< the start of the row's text, or of the chunk's
  std::optional<int> chunk_seq{};  ///< of a store: which of the row's chunks it is
};

/// The `limit` (1 to 1000) rows most similar to `query`, nearest first. `query` must have the vectorizer's
/// dimensions and come from the same model. Errors: invalid_argument, or the connection's.
Result<std::vector<SearchHit>> search(pg::Connection& db, const schema::VectorizerInfo& vectorizer,
                                      std::span<const float> query, int limit, int preview_characters = 200);

/// The vector in pgvector's text format, such as "[0.1,-2,…]".
std::string vector_literal(std::span<const float> values);

}  // namespace embedd::search
