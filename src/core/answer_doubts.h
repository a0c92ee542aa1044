/// Whether the answers for one vectorizer that are right in form are believed (G9).
///
/// Some servers give different texts the same vector (equal_vectors.h), some cut long texts and do not say so
/// (SilentCut). What was billed for answers that were not believed is kept for the books.
///
/// Invariant: different texts may have one vector only for an hour after some were found equal alone. Usage
/// that was not believed is handed out once.
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
  /// Why nothing of the answer is to be stored; nothing if all of it is. Jobs whose texts have the same
  /// vector travel alone from now on.
  std::optional<Error> doubt(const Vectorizer& vectorizer, Batch& batch, const EmbedAnswer& answer,
                             Instant now, Observer& observer);
  /// An answer is believed: looks at a job that was asked for alone, since its vector was that of another
  /// text. `slot`: its vector's.
  void compare_alone(const Vectorizer& vectorizer, const Batch& batch, const Embeddings& vectors,
                     std::int32_t slot, Instant now, Observer& observer);

  /// The job's text should travel alone, since what it is billed tells whether the server cuts texts. It then
  /// counts as asked for.
  bool asks_alone(const HeldJob& held, const Tokenizer& tokenizer);
  /// An answer is believed: tells the observer if it shows that the server cuts texts. `most_tokens`: where
  /// we cut texts ourselves.
  void notice_cuts(const Vectorizer& vectorizer, const Batch& batch, const EmbedAnswer& answer,
                   std::size_t most_tokens, const Tokenizer& tokenizer, Observer& observer);

  /// Requests and tokens of answers that were not believed, since the last call.
  struct Unbelieved {
    std::uint64_t requests = 0, tokens = 0;
  };
  Unbelieved take_unbelieved();

  /// Another declaration: nothing is known of the server. What was billed was billed.
  void forget();

 private:
  SilentCut cut_;
  Instant equals_trusted_until_{};  ///< until then, different texts may have the same vector
  Unbelieved unbelieved_;
};

}  // namespace embedd
