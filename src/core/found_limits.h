/// What the endpoint of one vectorizer was found to take, where it takes less than it says: inputs of a
/// request, tokens of an input, pieces of a text.
///
/// Invariant: a limit gets less by refusals alone, one's own and those that others remember. It gets more by
/// accepted requests and by a fresh start.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

#include "base/error.h"
#include "core/batch.h"
#include "core/input_limit.h"
#include "core/learned_limits.h"
#include "core/text_limit.h"

namespace embedd {

class FoundLimits {
 public:
  /// Of a request, as far as refusals go.
  [[nodiscard]] std::uint32_t most_inputs() const { return inputs_.most(); }
  /// Of an input, in the tokens of the tokenizer here.
  [[nodiscard]] std::size_t most_tokens() const { return tokens_.most(); }
  /// Of a text.
  [[nodiscard]] std::size_t most_pieces() const { return pieces_; }

  void accepted(const Batch& batch);
  /// The request was refused for its size, and says no number that helps.
  void too_large(const Batch& batch);
  /// The refusal names how many inputs are taken. False if that does not help to send these jobs.
  bool heed_inputs(const Batch& batch, const NamedLimits& named);
  /// An input of so many tokens was refused; `exact`: as the model counts them. True if less is taken than
  /// was known.
  bool input_refused(std::size_t tokens, const NamedLimits& named, bool exact);

  /// For others to begin with, but for parameters that are left out.
  [[nodiscard]] LearnedLimits learned(bool exact) const;
  /// Forgets what is known, and begins with what others learned.
  void begin_with(const LearnedLimits& limits);

 private:
  static constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();

  InputLimit inputs_;
  TextLimit tokens_;
  std::size_t pieces_ = kAnyNumber;
};

}  // namespace embedd
