/// The port through which the worker counts the tokens of a text.
#pragma once

#include <cstddef>
#include <string_view>

namespace embedd {

/// Counts tokens as the model does, or gives an upper bound.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  [[nodiscard]] virtual std::size_t count(std::string_view text) const = 0;
  /// True if count() is the model's count, not an upper bound.
  [[nodiscard]] virtual bool exact() const { return false; }
  /// Bytes of the longest prefix of `text` that is valid UTF-8, has at most `max_tokens` tokens, and ends
  /// where a token of `text` ends.
  [[nodiscard]] virtual std::size_t prefix_bytes(std::string_view text, std::size_t max_tokens) const = 0;
};

class TokenizerCatalog {
 public:
  virtual ~TokenizerCatalog() = default;
  /// The tokenizer lives as long as the catalog.
  [[nodiscard]] virtual const Tokenizer& tokenizer_for(std::string_view model) const = 0;
};

}  // namespace embedd
