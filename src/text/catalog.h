/// Which tokenizer counts for which model.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "core/tokenizer.h"
#include "text/cl100k.h"
#include "text/tokenizer.h"

namespace embedd {

/// cl100k_base for OpenAI's embedding models, one token a byte (never too few) for all others.
///
/// The vocabulary is read when a model first needs it (10 ms, 2 MB) and comes from `ranks_file` if one is
/// named (EMBEDD_TOKENIZER_RANKS), else from the binary. If neither has it, or it is unusable, one warning is
/// logged
/// (`tokenizer_ranks_missing`, `tokenizer_ranks_unusable`) and OpenAI's models are counted by bytes too:
/// correct, but with batches and longest texts of about a quarter of what they could be. Thread-safe.
class Tokenizers final : public TokenizerCatalog {
 public:
  explicit Tokenizers(std::string ranks_file = {}) : ranks_file_(std::move(ranks_file)) {}

  /// A gateway's prefix is ignored: "openai/text-embedding-3-small" is text-embedding-3-small.
  [[nodiscard]] const Tokenizer& tokenizer_for(std::string_view model) const override;

  /// Whether there is a vocabulary for `model`, found here or not.
  [[nodiscard]] static bool has_vocabulary(std::string_view model);

  /// Whether counts for `model` are exact. Loads the vocabulary if it decides that.
  [[nodiscard]] bool exact_for(std::string_view model) const { return &tokenizer_for(model) != &bytes_; }

 private:
  void load_cl100k() const;

  std::string ranks_file_;
  ByteBound bytes_;
  mutable std::once_flag loaded_;
  mutable std::unique_ptr<Cl100k> cl100k_;  ///< null: not available
};

}  // namespace embedd
