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

  /// What holds for the lane's texts now.
  [[nodiscard]] TextRules rules(const Lane& lane) const;
  /// Fits the text of a claimed job. False: it is too long, and the vectorizer wants no part of it.
  bool fit(const Lane& lane, const TextRules& rules, HeldJob& held);

  /// The refusal of a request names how long a text may be: later texts, and those that wait here, are cut
  /// before they are asked for. False if that makes no difference to the jobs of the request.
  bool heed(Lane& lane, Batch& batch, const NamedLimits& named, Instant now);
  /// The refusal of a request of one text names no number that helps: shortens the text and puts it into the
  /// buffer, or discards it.
  void shrink(Lane& lane, HeldJob held, const Error& error, Instant now);

 private:
  void learn(Lane& lane, std::size_t tokens, const NamedLimits& named, Instant now);
  bool fit_again(Lane& lane, std::vector<HeldJob>& jobs, Instant now);

  WorkerState& state_;
  JobKeeper& keeper_;
};

/// Why a text is discarded that does not fit.
Error too_long(const TextRules& rules);

}  // namespace embedd
