/// How long a text an endpoint takes, learned from refusals, as this worker's tokenizer counts.
///
/// The server may count otherwise. If a refusal names both the tokens found and the tokens taken, their ratio
/// says how much of the refused text fits. If this worker's count is only a bound, texts differ in tokens per
/// byte, so a sixteenth is left as a margin. The densest text that was refused sets the limit for all later
/// texts.
#pragma once

#include <cstddef>
#include <limits>

#include "base/error.h"

namespace embedd {

class TextLimit {
 public:
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  /// The limit never falls below this.
  static constexpr std::size_t kLeast = 32;

  /// Most tokens of a text.
  [[nodiscard]] std::size_t most() const { return most_; }
  /// A text of `tokens` was refused, alone or as the longest of its request. `exact`: the tokens are counted
  /// as the model counts, or nearly.
  void refused(std::size_t tokens, const NamedLimits& named, bool exact);
  void at_most(std::size_t tokens);

 private:
  std::size_t most_ = kNone;
};

}  // namespace embedd
