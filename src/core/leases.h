/// Extends the lease of each leased job in memory when the lease is older than a third of its time.
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

  /// Asks the database to extend the leases that are due.
  void extend(Instant now);
  void extended(const Settlements::News::Extended& extended);
  /// The job's lease is gone: the job is not sent.
  void lost(VectorizerId vectorizer, const SettledJob& job);
  /// When extend() has something to do next, if this worker has leased jobs.
  [[nodiscard]] Instant next() const { return next_; }

 private:
  WorkerState& state_;
  Instant next_{};
};

}  // namespace embedd
