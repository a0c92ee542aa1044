/// Decides whether to believe answers for one vectorizer that are right in form (G9).
///
/// Some servers give different texts the same vector (equal_vectors.h). Others cut long texts and do not say
/// so (SilentCut). Usage billed for answers that were not believed is kept until the worker books it.
///
/// Invariant: after some texts had equal vectors even when each was asked for alone, equal vectors are
/// believed for an hour, and at no other time. Unbelieved usage is handed out once.
#pragma once

#include <cstdint>
#include <optional>

#include "core/batch.h"
#include "core/embedder.h"
#include "core/job.h"
#include "core/observer.h"
#include "core/silent_cut.h"
#include "core/tokenizer.h"

namespace embedd {

class AnswerDoubts {
 public:
  /// Returns the reason why no vector of the answer may be stored, or nothing if all may be. Jobs whose texts
  /// have the same vector travel alone from now on.
  std::optional<Error> doubt(const Vectorizer& vectorizer, Batch& batch, const EmbedAnswer& answer,
                             Instant now, Observer& observer);
  /// Call when an answer is believed. If its one job travelled alone because another text had the same
  /// vector, compares the new vector. `slot`: the slot of the job's vector.
  void compare_alone(const Vectorizer& vectorizer, const Batch& batch, const Embeddings& vectors,
                     std::int32_t slot, Instant now, Observer& observer);

  /// True if the job's text should travel alone, because the tokens billed for it show whether the server
  /// cuts texts. The text then counts as asked for.
  bool asks_alone(const LeasedJob& leased, const Tokenizer& tokenizer);
  /// Call when an answer is believed. Tells the observer if the answer shows that the server cuts texts.
  /// `most_tokens`: the length at which embedd itself cuts texts.
  void notice_cuts(const Vectorizer& vectorizer, const Batch& batch, const EmbedAnswer& answer,
                   std::size_t most_tokens, const Tokenizer& tokenizer, Observer& observer);

  /// Requests and tokens of answers that were not believed since the last call.
  struct Unbelieved {
    std::uint64_t requests = 0, tokens = 0;
  };
  Unbelieved take_unbelieved();

  /// Call when the declaration changes: forgets what is known of the server, but not the unbelieved usage.
  void forget();

 private:
  SilentCut cut_;
  Instant equals_trusted_until_{};  ///< until then, different texts may have the same vector
  Unbelieved unbelieved_;
};

}  // namespace embedd
