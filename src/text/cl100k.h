/// Cl100k: counts tokens exactly as OpenAI's cl100k_base does (text-embedding-3-small, -3-large, ada-002).
///
///   auto tokenizer = Cl100k::load(file_contents);
///   if (tokenizer) (*tokenizer)->count("tokens are counted");
///
/// A text is split into pieces by a regular expression, and each piece is merged by rank (cl100k_merge.h).
/// The names of special tokens ("<|endoftext|>") are ordinary text, as in an embeddings request. Time is
/// linear, also for adversarial text: the expression looks at each character a bounded number of times.
#pragma once

#include <functional>
#include <memory>
#include <string_view>

#include "core/tokenizer.h"
#include "text/cl100k_ranks.h"

namespace embedd {

/// Thread-safe. Accepts any bytes: each byte that is not part of valid UTF-8 counts as a token, an upper
/// bound.
class Cl100k final : public Tokenizer {
 public:
  /// `ranks_file`: the contents of cl100k_base.tiktoken. Errors: invalid_argument.
  static Result<std::unique_ptr<Cl100k>> load(std::string_view ranks_file);
  ~Cl100k() override;

  [[nodiscard]] std::size_t count(std::string_view text) const override;

  [[nodiscard]] bool exact() const override { return true; }
  /// Cuts where a token ends, so a prefix that is a few characters longer may also fit.
  [[nodiscard]] std::size_t prefix_bytes(std::string_view text, std::size_t max_tokens) const override;

 private:
  class Pattern;
  class Pieces;

  Cl100k(Cl100kRanks ranks, std::unique_ptr<Pattern> pattern);
  [[nodiscard]] std::size_t cut_by_tokens(std::string_view text, std::size_t max_tokens) const;

  Cl100kRanks ranks_;
  std::unique_ptr<Pattern> pattern_;
};

}  // namespace embedd
