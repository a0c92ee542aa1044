/// How many inputs to keep in flight at one endpoint, so that answers come within a few seconds.
///
/// What a server can do is not known at first: eight texts go, in two requests. Answers that come early let
/// the number grow to what would take the target if every text took its share of the time, which is the worst
/// that it can be. Beyond the target it shrinks by the gradient of Netflix's concurrency-limits, once a
/// round: times wanted ÷ seen, plus its root (https://github.com/Netflix/concurrency-limits, GradientLimit).
/// Workers that share a server see the same delays, and the root, which is more to the smaller number, makes
/// theirs equal in time.
///
/// After too_much() it soon grows back to half of what that was, and then by a request a round, as TCP does.
#pragma once

#include <cstddef>
#include <limits>

#include "core/answered.h"

namespace embedd {

class InputsInFlight {
 public:
  /// What an answer should take while there is a backlog, its wait at the server included. The same for all
  /// workers, or they would not share a server evenly.
  static constexpr Duration kTarget = seconds(2);

  [[nodiscard]] double count() const { return count_; }
  /// Of one input, by our count and on average; 0: not known.
  [[nodiscard]] double tokens() const { return tokens_; }

  void answered(const Answered& answer, Instant now);
  /// With so many inputs in flight.
  void too_much(std::size_t inputs, Instant now);

 private:
  struct Round {
    Instant began{};
    double answers = 0, inputs = 0, tokens = 0, company = 0, seconds = 0;
  };
  void adapt();

  double count_ = 8;
  double tokens_ = 0;
  double careful_from_ = std::numeric_limits<double>::max();  ///< beyond, a request a round
  bool in_trouble_ = false;                                   ///< no answer came since too_much()
  Round round_;
};

}  // namespace embedd
