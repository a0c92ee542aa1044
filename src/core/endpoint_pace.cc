#include "core/endpoint_pace.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace embedd {

namespace {

/// Least inputs of a request: smaller requests take more time than they save.
constexpr double kLeastInputs = 2;
/// A request may have this many times the usual tokens of its inputs, and so may take as much longer.
constexpr double kLongerTexts = 2;

}  // namespace

std::uint32_t EndpointPace::inputs() const {
  const double share = std::max(inputs_.count() / requests(), std::min(inputs_.count(), kLeastInputs));
  return static_cast<std::uint32_t>(std::ceil(share));
}

std::size_t EndpointPace::tokens() const {
  if (inputs_.tokens() == 0) return std::numeric_limits<std::size_t>::max();
  return static_cast<std::size_t>(std::max(1.0, kLongerTexts * inputs_.tokens() * inputs()));
}

void EndpointPace::answered(const Answered& answer, Instant now) {
  // Little's law.
  const double seen =
      answer.company * static_cast<double>(answer.inputs) / std::max(to_seconds(answer.took), 1e-9);
  rate_ = rate_ == 0 ? seen : rate_ + (seen - rate_) / 8;
  if (!requests_.trying()) inputs_.answered(answer, now);
  requests_.answered(answer, inputs_.count() / std::max(answer.most, 1U), most_requests_, now);
}

void EndpointPace::too_much(std::size_t inputs, std::uint32_t requests, Instant now) {
  inputs_.too_much(inputs, now);
  requests_.too_much(requests, now);
}

}  // namespace embedd
