/// Requests for vectors alone: the vector of a query for a vectorizer, or vectors of texts in OpenAI's shape.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/units.h"

namespace embedd::search {

inline constexpr std::size_t kMaxInputs = 128;
inline constexpr std::size_t kMaxInputBytes = 65'536;

/// {"query": "slow start", "encoding_format": "float", "deadline_ms": 5000}, or
/// {"input": ["slow start"], "model": "text-embedding-3-small", "dimensions": 1536,
///  "encoding_format": "base64", "user": "…"}; `input` may be one string.
struct EmbedRequest {
  std::vector<std::string> texts;  ///< at least one
  std::string model;               ///< as OpenAI's clients name it; empty: the vectorizer's
  int dimensions = 0;              ///< 0: the model's
  bool base64 = false;             ///< the packed little-endian float32, in place of numbers
  milliseconds deadline{5000};
};

/// Errors: invalid_argument; the message begins with the field.
Result<EmbedRequest> parse_embed_request(std::string_view body);
/// The same for a request in OpenAI's shape.
Result<EmbedRequest> parse_embeddings_request(std::string_view body);

}  // namespace embedd::search
