/// Makes texts fit what their endpoint takes, and learns from refusals how much that is.
///
/// Invariant: once a limit is learned, all texts that wait in the lane's buffer have been fitted by that
/// limit.
#pragma once

#include <vector>

#include "core/job_keeper.h"
#include "core/text_fit.h"
#include "core/worker_state.h"

namespace embedd {

class TextFitter {
 public:
  TextFitter(WorkerState& state, JobKeeper& keeper) : state_(state), keeper_(keeper) {}

  /// The rules for the lane's texts at present.
  [[nodiscard]] TextRules rules(const Lane& lane) const;
  /// Fits the text of a claimed job. False: the text is too long, and the vectorizer discards long texts.
  bool fit(const Lane& lane, const TextRules& rules, LeasedJob& leased);

  /// Follows a refusal that names how long a text may be: later texts, and texts in the buffer, are cut
  /// before they are sent. False if this changes no job of the request.
  bool heed(Lane& lane, Batch& batch, const NamedLimits& named, Instant now);
  /// Handles a refused request of one text that names no number that helps: shortens the text and puts the
  /// job into the buffer, or discards the job.
  void shrink(Lane& lane, LeasedJob leased, const Error& error, Instant now);

 private:
  void learn(Lane& lane, std::size_t tokens, const NamedLimits& named, Instant now);
  bool fit_again(Lane& lane, std::vector<LeasedJob>& jobs, Instant now);

  WorkerState& state_;
  JobKeeper& keeper_;
};

/// Why a text that is too long is discarded.
Error too_long(const TextRules& rules);

}  // namespace embedd
