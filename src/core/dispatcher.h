/// Makes requests of the jobs in the lanes' buffers, and sends those for which there is room: at the
/// endpoint, in memory, in its account, and in the budgets.
///
/// Invariant: a job is sent only while its lease stands. After dispatch(), no lane has a request for which
/// there is room.
#pragma once

#include "core/budgets.h"
#include "core/job_keeper.h"
#include "core/worker_state.h"

namespace embedd {

class Dispatcher {
 public:
  Dispatcher(WorkerState& state, JobKeeper& keeper, Budgets& budgets)
      : state_(state), keeper_(keeper), budgets_(budgets) {}

  /// Lanes take turns until no lane has a request to send.
  void dispatch(Instant now);

 private:
  bool dispatch_one(Lane& lane, Instant now);
  bool within_budget(Lane& lane, BatchLimits& fit, Instant now);
  bool may_spend(Lane& lane, EndpointGate& gate, BatchLimits& fit, Instant now);
  void start(Lane& lane, Batch packed, Instant now);

  WorkerState& state_;
  JobKeeper& keeper_;
  Budgets& budgets_;
};

}  // namespace embedd
