#include "core/answer_doubts.h"

#include <memory>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/equal_vectors.h"

namespace embedd {

namespace {

/// How long equal vectors of different texts are believed once they were equal alone, too.
constexpr Duration kTrusted = std::chrono::hours(1);

}  // namespace

std::optional<Error> AnswerDoubts::doubt(const Vectorizer& vectorizer, Batch& batch,
                                         const EmbedAnswer& answer, Instant now, Observer& observer) {
  if (answer.computed_here || batch.jobs.size() < 2) return std::nullopt;
  const std::vector<EqualInputs> groups = equal_vectors(batch, answer.vectors);
  if (groups.empty()) return std::nullopt;
  std::size_t texts = 0;
  for (const EqualInputs& group : groups) texts += group.size();
  const bool refused = now >= equals_trusted_until_;
  observer.equal_vectors(vectorizer, texts, refused);
  if (!refused) return std::nullopt;
  for (const EqualInputs& group : groups) {
    std::set<std::size_t> jobs;
    for (const std::size_t input : group) jobs.insert(batch.travelling[input].job);
    // Inputs of a single job are pieces of one text. The text travels alone and is then believed, and shows
    // nothing about other texts.
    const auto together = jobs.size() > 1 ? std::make_shared<EqualJobs>(jobs.size()) : nullptr;
    for (const std::size_t job : jobs) {
      batch.jobs[job].max_company = 1;
      batch.jobs[job].equals = together;
    }
  }
  // The server billed these texts all the same.
  ++unbelieved_.requests;
  unbelieved_.tokens += answer.tokens;
  return Error{.kind = ErrorKind::invalid_answer,
               .message = fmt::format("{} different texts of {} have the same vectors as others", texts,
                                      batch.travelling.size()),
               .billed = true};
}

void AnswerDoubts::compare_alone(const Vectorizer& vectorizer, const Batch& batch, const Embeddings& vectors,
                                 std::int32_t slot, Instant now, Observer& observer) {
  const std::shared_ptr<EqualJobs>& equals = batch.jobs.front().equals;
  if (batch.jobs.size() != 1 || equals == nullptr) return;
  if (equals->answered(vectors, static_cast<std::size_t>(slot)) != EqualJobs::Finding::equal) return;
  equals_trusted_until_ = now + kTrusted;
  observer.equal_vectors(vectorizer, equals->jobs(), false);
}

/// An exact tokenizer shows which texts are too long, so only with another one may a server cut texts unseen.
bool AnswerDoubts::asks_alone(const LeasedJob& leased, const Tokenizer& tokenizer) {
  return leased.pieces.empty() && !tokenizer.exact() && cut_.asks_alone(leased.job.text.size());
}

void AnswerDoubts::notice_cuts(const Vectorizer& vectorizer, const Batch& batch, const EmbedAnswer& answer,
                               std::size_t most_tokens, const Tokenizer& tokenizer, Observer& observer) {
  std::size_t bytes = 0;
  for (const std::string_view text : batch.inputs()) bytes += text.size();
  const auto found = cut_.answered(batch.travelling.size(), bytes, answer.tokens, most_tokens);
  if (!found) return;
  observer.cut_silently(vectorizer, found->tokens, tokenizer.exact() ? found->tokens : found->bytes);
}

AnswerDoubts::Unbelieved AnswerDoubts::take_unbelieved() { return std::exchange(unbelieved_, {}); }

void AnswerDoubts::forget() {
  cut_ = {};
  equals_trusted_until_ = Instant{};
}

}  // namespace embedd
