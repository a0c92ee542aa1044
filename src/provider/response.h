/// Reads an embeddings answer and checks all of it (G9): a wrong answer yields no vectors.
///
/// What is checked: the count; `index`, which must be a permutation, or missing everywhere (then positions
/// count), or missing only where it would be 0 (Gemini); dimensions; that every value is finite; that no
/// vector is all zero. A string is base64 and an array is numbers, whatever was asked for. Errors:
///
///   unavailable     not an embeddings answer at all: empty, HTML, cut off, not JSON, an error object
///                   (any kind that classify() gives it)
///   invalid_answer  count, index, base64, a number or null that makes no vector
///   misconfigured   every vector has the same wrong number of dimensions
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "core/embedder.h"
#include "provider/headers.h"

namespace embedd::provider {

struct Expected {
  std::size_t inputs = 0;
  std::uint32_t dimensions = 0;
  std::string_view model;  ///< as requested; used if the server names none
  /// Most billed tokens that are possible for the request. A server that claims more is not believed; the
  /// claim is reported.
  std::uint64_t most_tokens = std::numeric_limits<std::uint64_t>::max();
};

class ResponseParser {
 public:
  ResponseParser();
  ~ResponseParser();

  /// Parses the `body` of a 200. The capacity of `body` may grow (the parser reads a few bytes past the end);
  /// its text stays.
  Result<EmbedAnswer> parse(std::string& body, const ResponseHeaders& headers, const Expected& expected);
  /// True if the last answer had the right shape but no number.
  [[nodiscard]] bool was_empty() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;  ///< keeps the parser's memory between answers, up to a bound
};

}  // namespace embedd::provider
