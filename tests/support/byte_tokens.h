/// A tokenizer for tests.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "core/tokenizer.h"

namespace embedd::test {

/// A byte is a token.
class ByteTokens final : public Tokenizer, public TokenizerCatalog {
 public:
  bool as_the_model = false;  ///< what exact() says

  [[nodiscard]] std::size_t count(std::string_view text) const override { return text.size(); }
  [[nodiscard]] bool exact() const override { return as_the_model; }
  [[nodiscard]] std::size_t prefix_bytes(std::string_view text, std::size_t max) const override {
    return std::min(text.size(), max);
  }
  [[nodiscard]] const Tokenizer& tokenizer_for(std::string_view) const override { return *this; }
};

}  // namespace embedd::test
