#include "core/inputs_in_flight.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace embedd {

namespace {

/// The largest factors from one round to the next.
constexpr double kFastest = 16, kSlowest = 0.5;
/// An answer in less than this part of the target does not wait for others of its round.
constexpr double kPrompt = 6;
/// More than any server takes.
constexpr double kMost = 1e6;

}  // namespace

void InputsInFlight::answered(const Answered& answer, Instant now) {
  overloaded_ = false;
  // Requests that were sent before the number last changed show nothing about that change.
  if (answer.started_at < round_.began) return;
  ++round_.answers;
  round_.inputs += static_cast<double>(answer.inputs);
  round_.tokens += static_cast<double>(answer.tokens);
  round_.company += answer.company;
  round_.seconds += to_seconds(answer.took);
  const bool prompt = kPrompt * round_.seconds <= to_seconds(kTarget) * round_.answers;
  if (round_.answers < answer.company && !prompt) return;
  adapt();
  round_ = {.began = now};
}

void InputsInFlight::adapt() {
  const double one_request = round_.inputs / round_.answers;
  // If fewer inputs were in flight than allowed, for want of jobs, the answers show nothing about more
  // inputs.
  const double inputs = one_request * round_.company / round_.answers;
  const double took = std::max(round_.seconds / round_.answers, 1e-9);
  tokens_ = round_.tokens / round_.inputs;
  const double ratio = to_seconds(kTarget) / took;
  if (ratio > 1) {
    const double more = inputs * std::min(ratio, kFastest) + std::sqrt(inputs);
    count_ = std::max(count_, std::min(more, std::max(inputs + one_request, careful_from_)));
  } else {
    count_ = std::min(count_, inputs);
    count_ = count_ * std::max(ratio, kSlowest) + std::sqrt(count_);
  }
  count_ = std::clamp(count_, 1.0, kMost);
}

void InputsInFlight::too_much(std::size_t inputs, Instant now) {
  count_ = std::max(1.0, std::min(count_, static_cast<double>(inputs)) / 2);
  if (!std::exchange(overloaded_, true)) careful_from_ = count_;
  round_ = {.began = now};
}

}  // namespace embedd
