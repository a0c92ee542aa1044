/// Chooses the tokenizer for a model.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "core/tokenizer.h"
#include "text/cl100k.h"
#include "text/tokenizer.h"

namespace embedd {

/// cl100k_base for OpenAI's embedding models; for all others one token a byte, which is never too few.
///
/// The vocabulary is read when a model first needs it (10 ms, 2 MB): from `ranks_file` if one is named
/// (EMBEDD_TOKENIZER_RANKS), else from the binary. If there is none, or it is unusable, one warning is logged
/// (`tokenizer_ranks_missing`, `tokenizer_ranks_unusable`), and a byte counts as a token for OpenAI's models
/// too. That is correct, but batches and longest texts are then about a quarter as large as they could be.
/// Thread-safe.
class Tokenizers final : public TokenizerCatalog {
 public:
  explicit Tokenizers(std::string ranks_file = {}) : ranks_file_(std::move(ranks_file)) {}

  /// Ignores a gateway's prefix: "openai/text-embedding-3-small" is text-embedding-3-small.
  [[nodiscard]] const Tokenizer& tokenizer_for(std::string_view model) const override;

  /// Whether `model` has a vocabulary that is known here, whether or not it can be loaded.
  [[nodiscard]] static bool has_vocabulary(std::string_view model);

  /// Whether counts for `model` are exact. Loads the vocabulary if the answer depends on it.
  [[nodiscard]] bool exact_for(std::string_view model) const { return &tokenizer_for(model) != &bytes_; }

 private:
  void load_cl100k() const;

  std::string ranks_file_;
  ByteBound bytes_;
  mutable std::once_flag loaded_;
  mutable std::unique_ptr<Cl100k> cl100k_;  ///< null: not available
};

}  // namespace embedd
