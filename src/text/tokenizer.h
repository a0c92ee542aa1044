/// ByteBound: the tokenizer of models whose vocabulary is not known here.
#pragma once

#include "core/tokenizer.h"

namespace embedd {

/// Counts one token for each byte. Byte-level vocabularies (all of OpenAI's, and most others) never need more
/// tokens, so a text that fits by this count always fits. English needs about a quarter.
class ByteBound final : public Tokenizer {
 public:
  [[nodiscard]] std::size_t count(std::string_view text) const override { return text.size(); }
  [[nodiscard]] std::size_t prefix_bytes(std::string_view text, std::size_t max_tokens) const override;
};

}  // namespace embedd
