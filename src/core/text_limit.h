/// How long a text an endpoint takes, learned from what it refuses, in the tokens of the tokenizer here.
///
/// The server may count others: where it says how many it found and how many it takes, their ratio tells how
/// much of the refused text fits. Where our count is only a bound, texts differ in what the server makes of a
/// byte, so a sixteenth is left as a margin. What fits of the densest text that was refused is the limit of
/// all later ones.
#pragma once

#include <cstddef>
#include <limits>

#include "base/error.h"

namespace embedd {

class TextLimit {
 public:
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();
  /// Least tokens that it ever comes to.
  static constexpr std::size_t kLeast = 32;

  /// Tokens of a text at most.
  [[nodiscard]] std::size_t most() const { return most_; }
  /// A text of `tokens` was refused, alone or as the longest of its request. `exact`: tokens are counted as
  /// the model does, or nearly.
  void refused(std::size_t tokens, const NamedLimits& named, bool exact);
  void at_most(std::size_t tokens);

 private:
  std::size_t most_ = kNone;
};

}  // namespace embedd
