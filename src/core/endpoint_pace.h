/// How many inputs to keep in flight at one endpoint, and in how many requests, found from how long answers
/// take.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/answered.h"
#include "core/inputs_in_flight.h"
#include "core/requests_in_flight.h"

namespace embedd {

class EndpointPace {
 public:
  /// Sets the most requests at the same time that the configuration allows.
  void set_most_requests(std::uint32_t most) { most_requests_ = most; }

  /// How many requests to keep in flight; at least 1.
  [[nodiscard]] std::uint32_t requests() const { return requests_.count(most_requests_); }
  /// Most inputs of the next request; at least 1.
  [[nodiscard]] std::uint32_t inputs() const;
  /// Most tokens of the next request, by this worker's count: a bound for texts that are longer than usual.
  [[nodiscard]] std::size_t tokens() const;
  /// Inputs a second while the endpoint was busy; 0: not known.
  [[nodiscard]] double inputs_per_second() const { return rate_; }

  void answered(const Answered& answer, Instant now);
  /// The load was too much: the server said so, or fell silent, with this much in flight.
  void too_much(std::size_t inputs, std::uint32_t requests, Instant now);
  /// Nothing was in flight for a while, so later answers cannot decide a trial.
  void idle(Instant now) {
    if (requests_.trying()) requests_.give_up_trial(now);
  }

 private:
  InputsInFlight inputs_;
  RequestsInFlight requests_;
  std::uint32_t most_requests_ = 32;
  double rate_ = 0;
};

}  // namespace embedd
