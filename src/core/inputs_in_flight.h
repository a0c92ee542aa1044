/// How many inputs to keep in flight at one endpoint, so that answers come within a few seconds.
///
/// At first the server's pace is unknown: eight texts go, in two requests. While answers come sooner than the
/// target, the number grows to what would take the target if the server computed one text after another,
/// which is the slowest case. Beyond the target the number shrinks once a round by the gradient of Netflix's
/// concurrency-limits: times wanted ÷ seen, plus its square root
/// (https://github.com/Netflix/concurrency-limits, GradientLimit). Workers that share a server see the same
/// delays. The square root adds relatively more to a smaller number, so their numbers become equal in time.
///
/// After too_much() the number soon grows back to half of what was too much, and from there by one request a
/// round, as TCP does.
#pragma once

#include <cstddef>
#include <limits>

#include "core/answered.h"

namespace embedd {

class InputsInFlight {
 public:
  /// How long an answer should take while there is a backlog, the wait at the server included. All workers
  /// have the same target: otherwise they would not share a server evenly.
  static constexpr Duration kTarget = seconds(2);

  [[nodiscard]] double count() const { return count_; }
  /// Mean tokens of one input, by this worker's count; 0: not known.
  [[nodiscard]] double tokens() const { return tokens_; }

  void answered(const Answered& answer, Instant now);
  /// The load was too much with this many inputs in flight.
  void too_much(std::size_t inputs, Instant now);

 private:
  struct Round {
    Instant began{};
    double answers = 0, inputs = 0, tokens = 0, company = 0, seconds = 0;
  };
  void adapt();

  double count_ = 8;
  double tokens_ = 0;
  double careful_from_ = std::numeric_limits<double>::max();  ///< above this, one more request a round
  bool overloaded_ = false;                                   ///< no answer came since too_much()
  Round round_;
};

}  // namespace embedd
