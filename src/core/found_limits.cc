#include "core/found_limits.h"

#include <algorithm>

namespace embedd {

void FoundLimits::accepted(const Batch& batch) {
  inputs_.accepted(static_cast<std::uint32_t>(batch.travelling.size()));
  for (const LeasedJob& leased : batch.jobs) {
    // If all jobs of a refused request are accepted in smaller requests, the number of inputs was refused.
    if (leased.refusal && --leased.refusal->jobs == 0) inputs_.too_many(leased.refusal->inputs);
  }
  for (const LeasedJob& leased : batch.jobs) {
    // This many pieces are accepted after more were refused. The cause may have been this text alone, so
    // later texts may have a few more pieces.
    const std::size_t pieces = leased.pieces.size();
    if (leased.narrowed || pieces >= pieces_) pieces_ = pieces + std::max<std::size_t>(1, pieces / 8);
  }
}

void FoundLimits::too_large(const Batch& batch) {
  inputs_.too_large(static_cast<std::uint32_t>(batch.travelling.size()));
}

bool FoundLimits::heed_inputs(const Batch& batch, const NamedLimits& named) {
  const auto goes_along = [&](const LeasedJob& leased) { return leased.pieces.size() <= named.inputs; };
  if (named.inputs == 0 || named.inputs >= batch.travelling.size() ||
      !std::ranges::all_of(batch.jobs, goes_along))
    return false;
  inputs_.named(static_cast<std::uint32_t>(std::min<std::uint64_t>(named.inputs, InputLimit::kNone - 1)));
  return true;
}

bool FoundLimits::input_refused(std::size_t tokens, const NamedLimits& named, bool exact) {
  const std::size_t before = tokens_.most();
  tokens_.refused(tokens, named, exact);
  return tokens_.most() != before;
}

LearnedLimits FoundLimits::learned(bool exact) const {
  LearnedLimits out{.inputs = inputs_.learned()};
  if (tokens_.most() == TextLimit::kNone) return out;
  out.text_tokens = tokens_.most();
  out.counted = exact;
  return out;
}

void FoundLimits::begin_with(const LearnedLimits& limits) {
  inputs_ = {};
  inputs_.named(limits.inputs);
  tokens_ = {};
  pieces_ = kAnyNumber;
  if (limits.text_tokens > 0) tokens_.at_most(limits.text_tokens);
}

}  // namespace embedd
