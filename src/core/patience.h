/// How long an endpoint may give no sign of life before a request is given up.
///
/// Patience follows the time that answers take, by TCP's rule for retransmissions (RFC 6298: smoothed mean
/// plus four times the deviation; doubled after each silence). It is never less than configured. If more
/// inputs than usual are in flight, patience grows in proportion. The wait counts from the request's start,
/// and begins again with each answer to an earlier request: a serial server that works off a queue is alive.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "core/answered.h"

namespace embedd {

class Patience {
 public:
  /// How long to wait for a request while `inputs_in_flight` inputs are at its endpoint.
  [[nodiscard]] Duration with(std::size_t inputs_in_flight, Duration least) const {
    const double more = usual_inputs_ == 0 ? 1
                                           : std::clamp(static_cast<double>(inputs_in_flight) / usual_inputs_,
                                                        1.0, kMostMore);
    const double expected = more * (mean_ + 4 * deviation_);
    const double longest = std::max(to_seconds(kLongest), to_seconds(least));
    const double wait = std::max(expected, to_seconds(least)) * std::exp2(silences_);
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(std::min(wait, longest)));
  }
  void answered(Duration took, std::size_t inputs_in_flight) {
    const double seen = to_seconds(took), inputs = static_cast<double>(inputs_in_flight);
    deviation_ = mean_ == 0 ? seen / 2 : deviation_ + (std::abs(seen - mean_) - deviation_) / 4;
    mean_ = mean_ == 0 ? seen : mean_ + (seen - mean_) / 8;
    usual_inputs_ = usual_inputs_ == 0 ? inputs : usual_inputs_ + (inputs - usual_inputs_) / 8;
    silences_ = 0;
  }
  void silent() { silences_ = std::min(silences_ + 1, 10); }

 private:
  static constexpr Duration kLongest = std::chrono::hours(1);
  static constexpr double kMostMore = 16;

  double mean_ = 0, deviation_ = 0;  ///< seconds
  double usual_inputs_ = 0;
  int silences_ = 0;  ///< silences in a row
};

}  // namespace embedd
