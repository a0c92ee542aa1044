/// Cuts the texts of claimed rows into chunks, which are kept in the database until all have vectors.
#pragma once

#include <vector>

#include "core/job_keeper.h"
#include "core/lane.h"
#include "core/worker_state.h"

namespace embedd {

class Cutter {
 public:
  Cutter(WorkerState& state, JobKeeper& keeper) : state_(state), keeper_(keeper) {}

  /// Whether so many chunks wait for vectors that no more rows should be cut for now.
  [[nodiscard]] bool far_enough_ahead(const Lane& lane) const;
  /// Jobs whose task is `cut`. A text that is cut from its beginning counts as a purchase of its row (G12),
  /// because each change of the text has new chunks bought.
  void cut(Lane& lane, std::vector<LeasedJob> jobs, Instant now);
  /// Jobs whose task is `wait`. The queue makes a job due when the last of its chunks has a vector. If the
  /// queue cannot, the job is due after a while.
  void wait(const Lane& lane, std::vector<SettledJob> jobs, Instant now);

 private:
  WorkerState& state_;
  JobKeeper& keeper_;
};

}  // namespace embedd
