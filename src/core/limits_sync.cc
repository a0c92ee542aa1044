#include "core/limits_sync.h"

#include <tuple>
#include <utility>

namespace embedd {

/// The database has one record for each endpoint, model and dimensions. If these stay the same, `memory`
/// notices at the next poll that this worker has forgotten its limits, and replaces the record.
void LimitsSync::redeclare(Lane& lane, const Vectorizer& vectorizer) {
  lane.rest.cut_short();
  Vectorizer before = std::exchange(lane.vectorizer, vectorizer);
  before.stopped = vectorizer.stopped;
  if (before == vectorizer) return;
  const bool same = std::tie(before.endpoint, before.model, before.dimensions) ==
                    std::tie(vectorizer.endpoint, vectorizer.model, vectorizer.dimensions);
  lane.doubts.forget();
  begin_with(lane, {});
  if (!same) lane.memory = {};
}

LearnedLimits LimitsSync::learned(const Lane& lane) const {
  LearnedLimits out = lane.limits.learned(state_.tokenizer_of(lane).exact());
  out.left_out = state_.embedder.left_out(lane.vectorizer.endpoint, lane.vectorizer.model);
  return out;
}

void LimitsSync::begin_with(Lane& lane, const LearnedLimits& limits) {
  lane.limits.begin_with(limits);
  state_.embedder.leave_out(lane.vectorizer.endpoint, lane.vectorizer.model, limits.left_out);
}

void LimitsSync::remember(Lane& lane, const std::optional<LearnedLimits>& remembered) {
  const auto [step, limits] =
      lane.memory.polled(learned(lane), remembered, state_.tokenizer_of(lane).exact());
  switch (step) {
    case LimitsMemory::Step::none: return;
    case LimitsMemory::Step::adopt: begin_with(lane, limits); return lane.memory.adopted(learned(lane));
    case LimitsMemory::Step::forget: return begin_with(lane, {});
    case LimitsMemory::Step::write:
      return state_.queue.send_limits({.endpoint = lane.vectorizer.endpoint,
                                       .model = lane.vectorizer.model,
                                       .dimensions = lane.vectorizer.dimensions,
                                       .limits = limits});
  }
}

}  // namespace embedd
