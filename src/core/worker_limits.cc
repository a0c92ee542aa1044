// How what is known of an endpoint's limits is kept in step with the database.
#include <limits>
#include <tuple>
#include <utility>

#include "core/worker.h"

namespace embedd {

/// A changed declaration deserves a fresh start. What others learned holds where the model is another.
void Worker::redeclare(Lane& lane, const Vectorizer& vectorizer) {
  lane.rest.cut_short();
  Vectorizer before = std::exchange(lane.vectorizer, vectorizer);
  before.paused = vectorizer.paused;
  if (before == vectorizer) return;
  const bool same = std::tie(before.endpoint, before.model, before.dimensions) ==
                    std::tie(vectorizer.endpoint, vectorizer.model, vectorizer.dimensions);
  lane.doubts.forget();
  begin_with(lane, {});
  if (!same) lane.memory = {};
}

LearnedLimits Worker::learned(const Lane& lane) const {
  const Vectorizer& vectorizer = lane.vectorizer;
  LearnedLimits out{.inputs = lane.learned_inputs.learned(),
                    .left_out = state_.embedder.left_out(vectorizer.endpoint, vectorizer.model)};
  if (lane.learned_tokens.most() == TextLimit::kNone) return out;
  out.text_tokens = lane.learned_tokens.most();
  out.counted = state_.tokenizers.tokenizer_for(vectorizer.model).exact();
  return out;
}

void Worker::begin_with(Lane& lane, const LearnedLimits& limits) {
  const Vectorizer& vectorizer = lane.vectorizer;
  lane.learned_inputs = {};
  lane.learned_inputs.named(limits.inputs);
  lane.learned_tokens = {};
  lane.learned_pieces = std::numeric_limits<std::size_t>::max();
  // Whoever counts otherwise means another length.
  if (limits.text_tokens > 0 && limits.counted == state_.tokenizers.tokenizer_for(vectorizer.model).exact())
    lane.learned_tokens.at_most(limits.text_tokens);
  state_.embedder.leave_out(vectorizer.endpoint, vectorizer.model, limits.left_out);
}

/// Keeps in step with what the database remembers of the lane's limits.
void Worker::remember(Lane& lane, const std::optional<LearnedLimits>& remembered) {
  const LearnedLimits ours = learned(lane);
  switch (lane.memory.polled(ours, remembered)) {
    case LimitsMemory::Step::none: return;
    case LimitsMemory::Step::adopt: begin_with(lane, *remembered); return lane.memory.adopted(learned(lane));
    case LimitsMemory::Step::forget: return begin_with(lane, {});
    case LimitsMemory::Step::write:
      return state_.queue.send_limits({.endpoint = lane.vectorizer.endpoint,
                                       .model = lane.vectorizer.model,
                                       .dimensions = lane.vectorizer.dimensions,
                                       .limits = ours});
  }
}

}  // namespace embedd
