/// The limits of one vectorizer's endpoint that were found by refusals: inputs of a request, tokens of an
/// input, pieces of a text. The endpoint may name larger ones.
///
/// Invariant: only refusals lower a limit, this worker's own and those that the database remembers. Only
/// accepted requests and a fresh start raise a limit.
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
  /// Most inputs of a request.
  [[nodiscard]] std::uint32_t most_inputs() const { return inputs_.most(); }
  /// Most tokens of an input, as the lane's tokenizer counts them.
  [[nodiscard]] std::size_t most_tokens() const { return tokens_.most(); }
  /// Most pieces of a text.
  [[nodiscard]] std::size_t most_pieces() const { return pieces_; }

  void accepted(const Batch& batch);
  /// The request was refused for its size, and the refusal names no number that helps.
  void too_large(const Batch& batch);
  /// The refusal names how many inputs the endpoint takes. False if the number does not help to send these
  /// jobs.
  bool heed_inputs(const Batch& batch, const NamedLimits& named);
  /// An input of this many tokens was refused. `exact`: the tokens are counted as the model counts. True if
  /// the limit fell.
  bool input_refused(std::size_t tokens, const NamedLimits& named, bool exact);

  /// What other workers may begin with, except the parameters that are left out.
  [[nodiscard]] LearnedLimits learned(bool exact) const;
  /// Forgets the limits, and begins with what others learned.
  void begin_with(const LearnedLimits& limits);

 private:
  static constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();

  InputLimit inputs_;
  TextLimit tokens_;
  std::size_t pieces_ = kAnyNumber;
};

}  // namespace embedd
