/// Keeps what is known of a lane's limits in step with its declaration, and with what the database remembers
/// for all workers (LimitsMemory).
///
/// Invariant: after a poll, the database has been sent all limits that this worker learned, and the lane has
/// all limits that the database remembers, except a length in tokens that this worker counts in another way.
#pragma once

#include <optional>

#include "core/job.h"
#include "core/worker_state.h"

namespace embedd {

class LimitsSync {
 public:
  explicit LimitsSync(WorkerState& state) : state_(state) {}

  /// Takes over a changed declaration. Found limits begin anew.
  void redeclare(Lane& lane, const Vectorizer& vectorizer);
  /// Takes what a poll says the database remembers of the lane's limits.
  void remember(Lane& lane, const std::optional<LearnedLimits>& remembered);

 private:
  [[nodiscard]] LearnedLimits learned(const Lane& lane) const;
  void begin_with(Lane& lane, const LearnedLimits& limits);

  WorkerState& state_;
};

}  // namespace embedd
