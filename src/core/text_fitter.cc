#include "core/text_fitter.h"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "core/request_sizes.h"
#include "core/tokenizer.h"

namespace embedd {

TextRules TextFitter::rules(const Lane& lane) const {
  return {.tokenizer = state_.tokenizer_of(lane),
          .long_texts = lane.vectorizer.long_texts,
          .endpoint_tokens = state_.embedder.limits(lane.vectorizer.endpoint).max_input_tokens,
          .learned_tokens = lane.limits.most_tokens(),
          .most_pieces = std::min<std::size_t>(most_inputs(state_, lane), lane.limits.most_pieces())};
}

bool TextFitter::fit(const Lane& lane, const TextRules& rules, LeasedJob& leased) {
  const Fit fit = fit_text(leased, rules);
  if (fit == Fit::cut) state_.observer.truncated(lane.vectorizer, leased.max_tokens);
  return fit != Fit::too_long;
}

/// After several refusals whose numbers did not help, each text is halved, alone.
bool TextFitter::heed(Lane& lane, Batch& batch, const NamedLimits& named, Instant now) {
  constexpr unsigned kMostHeeded = 8;
  /// A server adds tokens that mark the beginning and end of a text.
  constexpr std::size_t kAddedTokens = 64;
  std::size_t bytes = 0, tokens = 0;
  const Tokenizer& tokenizer = state_.tokenizer_of(lane);
  for (LeasedJob& leased : batch.jobs) {
    if (leased.heeded++ >= kMostHeeded) return false;
    const std::string_view longest = longest_input(leased);
    bytes = std::max(bytes, longest.size());
    if (longest.size() > tokens) tokens = std::max(tokens, tokenizer.count(longest));
  }
  // More tokens than the text has bytes: the number is that of the whole request, or counts no tokens.
  if (named.found_tokens > bytes + kAddedTokens) return false;
  learn(lane, tokens, named, now);
  return fit_again(lane, batch.jobs, now);
}

void TextFitter::learn(Lane& lane, std::size_t tokens, const NamedLimits& named, Instant now) {
  if (!lane.limits.input_refused(tokens, named, state_.tokenizer_of(lane).exact())) return;
  std::vector<LeasedJob> waiting = lane.buffer.take_all();
  fit_again(lane, waiting, now);
  for (LeasedJob& leased : waiting) lane.buffer.push_back(std::move(leased));
}

/// Fits the jobs again, because the endpoint takes less than was known. False if no job changed.
bool TextFitter::fit_again(Lane& lane, std::vector<LeasedJob>& jobs, Instant now) {
  const auto form = [](const LeasedJob& leased) {
    return std::tuple(leased.job.text.size(), leased.pieces.size(), leased.max_company);
  };
  const TextRules rules = this->rules(lane);
  bool changed = false;
  std::vector<LeasedJob> wanted, unwanted;
  for (LeasedJob& leased : jobs) {
    const auto before = form(leased);
    leased.counted = leased.narrowed = false;
    leased.pieces.clear();
    const bool fits = fit(lane, rules, leased);
    changed |= !fits || form(leased) != before;
    (fits ? wanted : unwanted).push_back(std::move(leased));
  }
  jobs = std::move(wanted);
  if (!unwanted.empty()) keeper_.discard(lane.vectorizer, unwanted, too_long(rules), now);
  return changed;
}

void TextFitter::shrink(Lane& lane, LeasedJob leased, const Error& error, Instant now) {
  const std::size_t refused = longest_input(leased).size();
  switch (shrink_text(leased, lane.vectorizer.long_texts, state_.tokenizer_of(lane))) {
    case Shrink::hopeless: return keeper_.discard(lane.vectorizer, {&leased, 1}, error, now);
    case Shrink::learn:
      learn(lane, refused, {}, now);
      fit(lane, rules(lane), leased);
      break;
    case Shrink::fewer_pieces:
    case Shrink::halved: state_.observer.truncated(lane.vectorizer, leased.max_tokens); break;
  }
  lane.buffer.push_back(std::move(leased));
}

Error too_long(const TextRules& rules) {
  return {ErrorKind::too_large,
          fmt::format("the text has more than {} tokens, and the vectorizer's long_texts says discard",
                      rules.most_tokens())};
}

}  // namespace embedd
