// What refusals teach: how many texts an endpoint takes at once, and how long each may be. The loop that
// calls this is worker.cc.
#include <algorithm>
#include <limits>
#include <tuple>
#include <utility>

#include "core/request_sizes.h"
#include "core/worker.h"

namespace embedd {

/// The refusal says how much is taken: what is too long is cut, more inputs are not sent at once, and all
/// jobs are asked for again. False if it says nothing that helps: who is at fault has to be found.
bool Worker::heed(Lane& lane, Batch& batch, const NamedLimits& named, Instant now) {
  bool heeded = false;
  const auto goes_along = [&](const HeldJob& held) { return held.pieces.size() <= named.inputs; };
  if (named.inputs > 0 && named.inputs < batch.travelling.size() &&
      std::ranges::all_of(batch.jobs, goes_along)) {
    lane.learned_inputs.named(
        static_cast<std::uint32_t>(std::min<std::uint64_t>(named.inputs, InputLimit::kNone - 1)));
    heeded = true;
  }
  return (named.text_tokens > 0 && heed_text_limit(lane, batch, named, now)) || heeded;
}

/// Numbers that do not help are not believed for ever: then texts are halved, alone.
bool Worker::heed_text_limit(Lane& lane, Batch& batch, const NamedLimits& named, Instant now) {
  constexpr unsigned kMostHeeded = 8;
  /// A server adds marks of a text's beginning and end.
  constexpr std::size_t kAddedTokens = 64;
  std::size_t bytes = 0, tokens = 0;
  const Tokenizer& tokenizer = state_.tokenizer_of(lane);
  for (HeldJob& held : batch.jobs) {
    if (held.heeded++ >= kMostHeeded) return false;
    const std::string_view longest = longest_input(held);
    bytes = std::max(bytes, longest.size());
    if (longest.size() > tokens) tokens = std::max(tokens, tokenizer.count(longest));
  }
  // More than a text has bytes: those of the whole request, or no tokens at all.
  if (named.found_tokens > bytes + kAddedTokens) return false;
  learn_text(lane, tokens, named, now);
  return measure_again(lane, batch.jobs, now);
}

/// Later texts, and those that wait here, are cut before they are asked for.
void Worker::learn_text(Lane& lane, std::size_t tokens, const NamedLimits& named, Instant now) {
  const std::size_t before = lane.learned_tokens.most();
  lane.learned_tokens.refused(tokens, named, state_.tokenizer_of(lane).exact());
  if (lane.learned_tokens.most() == before) return;
  std::vector<HeldJob> waiting = lane.buffer.take_all();
  measure_again(lane, waiting, now);
  for (HeldJob& held : waiting) lane.buffer.push_back(std::move(held));
}

/// The provider counts more tokens than we do, or takes fewer, and says no number that helps: halve the text
/// until it fits. Where our count is only a bound, the model's limit is what is learned, and later texts are
/// cut to it at once. Of a text in pieces, their number may be what was too much: it is halved first, and
/// says nothing about longer inputs.
void Worker::shrink(Lane& lane, HeldJob held, const Error& error, Instant now) {
  constexpr std::size_t kLeastBytes = 64;
  std::string& text = held.job.text;
  if (held.pieces.size() > 1) {
    keep_pieces(lane, held, held.pieces.size() / 2);
    held.narrowed = true;
    return lane.buffer.push_back(std::move(held));
  }
  const std::size_t longest = longest_input(held).size();
  if (longest <= kLeastBytes || lane.vectorizer.long_texts == LongTexts::discard)
    return keeper_.discard(lane.vectorizer, {&held, 1}, error, now);
  held.counted = held.narrowed = false;
  held.pieces.clear();
  if (!state_.tokenizer_of(lane).exact()) {
    learn_text(lane, longest, {}, now);
    measure(lane, held);
  } else {
    std::size_t cut = longest / 2;
    while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xC0) == 0x80)
      --cut;  // not inside a character
    text.resize(cut);
    held.max_tokens = std::min(held.max_tokens, text.size());
    state_.observer.truncated(lane.vectorizer, held.max_tokens);
  }
  lane.buffer.push_back(std::move(held));
}

/// So many inputs are taken at once. And if all jobs of a request that was refused are taken in smaller ones,
/// it was their number that was refused.
void Worker::learn_inputs(Lane& lane, const Batch& accepted) {
  lane.learned_inputs.accepted(static_cast<std::uint32_t>(accepted.travelling.size()));
  for (const HeldJob& held : accepted.jobs)
    if (held.refusal && --held.refusal->jobs == 0) lane.learned_inputs.too_many(held.refusal->inputs);
}

/// So many pieces of a text are taken after more were refused. What was at fault may have been this text's
/// own, so that later ones may have some more.
void Worker::learn_pieces(Lane& lane, const std::vector<HeldJob>& accepted) {
  for (const HeldJob& held : accepted) {
    const std::size_t pieces = held.pieces.size();
    if (held.narrowed || pieces >= lane.learned_pieces)
      lane.learned_pieces = pieces + std::max<std::size_t>(1, pieces / 8);
  }
}

/// Whether a text that is longer than longest_text() would be refused, too. Where our count is only a bound,
/// what was learned of one text may not hold for another, but none has four times as much in a token.
bool Worker::surely_too_long(const Lane& lane, std::string_view text, const Tokenizer& tokenizer) const {
  constexpr std::size_t kSparse = 4;
  return tokenizer.exact() ||
         text.size() > state_.embedder.limits(lane.vectorizer.endpoint).max_input_tokens ||
         text.size() / kSparse > lane.learned_tokens.most();
}

/// Measures jobs again, since less is taken than was thought. False if they are what they were.
bool Worker::measure_again(Lane& lane, std::vector<HeldJob>& jobs, Instant now) {
  const auto form = [](const HeldJob& held) {
    return std::tuple(held.job.text.size(), held.pieces.size(), held.max_company);
  };
  bool changed = false;
  std::vector<HeldJob> wanted, unwanted;
  for (HeldJob& held : jobs) {
    const auto before = form(held);
    held.counted = held.narrowed = false;
    held.pieces.clear();
    const bool fits = measure(lane, held);
    changed |= !fits || form(held) != before;
    (fits ? wanted : unwanted).push_back(std::move(held));
  }
  jobs = std::move(wanted);
  if (!unwanted.empty()) keeper_.discard(lane.vectorizer, unwanted, too_long(lane), now);
  return changed;
}

// ── Remembering

/// A changed declaration deserves a fresh start. What others learned holds where the model is another.
void Worker::redeclare(Lane& lane, const Vectorizer& vectorizer) {
  lane.rest.cut_short();
  Vectorizer before = std::exchange(lane.vectorizer, vectorizer);
  before.paused = vectorizer.paused;
  if (before == vectorizer) return;
  const bool same = std::tie(before.endpoint, before.model, before.dimensions) ==
                    std::tie(vectorizer.endpoint, vectorizer.model, vectorizer.dimensions);
  lane.cut = {};
  lane.equals_trusted_until = Instant{};
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
