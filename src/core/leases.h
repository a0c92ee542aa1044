/// Keeps the leases of all jobs that are held: each is extended when it is older than a third of its time.
///
/// Invariant: a lease lasts until the time that the database has confirmed, and no longer.
#pragma once

#include "core/job.h"
#include "core/queue.h"
#include "core/worker_state.h"

namespace embedd {

class Leases {
 public:
  explicit Leases(WorkerState& state) : state_(state) {}

  /// Asks for what is due.
  void extend(Instant now);
  void extended(const Settlements::News::Extended& extended);
  /// The job is another worker's, or nobody's: it is not sent.
  void lost(VectorizerId vectorizer, const SettledJob& job);
  /// When extend() has something to do next, if anything is held.
  [[nodiscard]] Instant next() const { return next_; }

 private:
  WorkerState& state_;
  Instant next_{};
};

}  // namespace embedd
