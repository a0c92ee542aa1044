// Answers that are right in form and hard to believe (G9), and refusals that may be the vectorizer's. The
// loop is worker.cc.
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/equal_vectors.h"
#include "core/worker.h"

namespace embedd {

namespace {

/// For so long it counts as known that a model gives different texts the same vector.
constexpr Duration kTrusted = std::chrono::hours(1);

}  // namespace

/// Why nothing of the answer is to be stored; nothing if all of it is. Jobs whose texts have the same vector
/// travel alone from now on.
std::optional<Error> Worker::doubt(Lane* lane, Batch& batch, const EmbedAnswer& answer, Instant now) {
  if (lane == nullptr || answer.computed_here || batch.jobs.size() < 2) return std::nullopt;
  const std::vector<EqualInputs> groups = equal_vectors(batch, answer.vectors);
  if (groups.empty()) return std::nullopt;
  std::size_t texts = 0;
  for (const EqualInputs& group : groups) texts += group.size();
  const bool refused = now >= lane->equals_trusted_until;
  state_.observer.equal_vectors(lane->vectorizer, texts, refused);
  if (!refused) return std::nullopt;
  for (const EqualInputs& group : groups) {
    std::set<std::size_t> jobs;
    for (const std::size_t input : group) jobs.insert(batch.travelling[input].job);
    // Two pieces of one text: it is believed once it comes alone, and says nothing of others.
    const auto together = jobs.size() > 1 ? std::make_shared<EqualJobs>(jobs.size()) : nullptr;
    for (const std::size_t job : jobs) {
      batch.jobs[job].max_company = 1;
      batch.jobs[job].equals = together;
    }
  }
  // They were billed all the same.
  ++lane->unbooked_requests;
  lane->unbooked_tokens += answer.tokens;
  state_.summary.tokens += answer.tokens;
  return Error{.kind = ErrorKind::invalid_answer,
               .message = fmt::format("{} different texts of {} have the same vectors as others", texts,
                                      batch.travelling.size()),
               .billed = true};
}

/// The job was asked for alone, since its vector was that of another text.
void Worker::compare_alone(Lane& lane, const Batch& batch, const Embeddings& vectors, std::int32_t slot,
                           Instant now) {
  const std::shared_ptr<EqualJobs>& equals = batch.jobs.front().equals;
  if (batch.jobs.size() != 1 || equals == nullptr) return;
  if (equals->answered(vectors, static_cast<std::size_t>(slot)) != EqualJobs::Finding::equal) return;
  lane.equals_trusted_until = now + kTrusted;
  state_.observer.equal_vectors(lane.vectorizer, equals->jobs(), false);
}

/// Where tokens are counted as the model does, it is known what is too long. Elsewhere a server may cut.
bool Worker::tells_of_cuts(Lane& lane, const HeldJob& held) const {
  return held.pieces.empty() && !state_.tokenizer_of(lane).exact() &&
         lane.cut.asks_alone(held.job.text.size());
}

void Worker::notice_cuts(Lane& lane, const Batch& batch, const EmbedAnswer& answer) {
  std::size_t bytes = 0;
  for (const std::string_view text : batch.inputs()) bytes += text.size();
  const auto found = lane.cut.answered(batch.travelling.size(), bytes, answer.tokens, longest_text(lane));
  if (!found) return;
  const bool exact = state_.tokenizer_of(lane).exact();
  state_.observer.cut_silently(lane.vectorizer, found->tokens, exact ? found->tokens : found->bytes);
}

/// Accepted: the rows are at fault, however many of them. Refused: it is the vectorizer. Otherwise the
/// endpoint had troubles of its own, and is asked again.
void Worker::judge_canary(Lane* lane, const Reply& reply, Instant now) {
  if (lane == nullptr) return;
  const bool decides = lane->trust.canary_answered();
  if (reply.answer) {
    state_.summary.tokens += reply.answer->tokens;
    return lane->trust.accepted();
  }
  const Error& error = reply.answer.error();
  if (!decides || is_endpoint_fault(error.kind) || error.kind == ErrorKind::canceled) return;
  lane->trust.settle_doubt();
  keeper_.rest(*lane, error.message, now);
}

}  // namespace embedd
