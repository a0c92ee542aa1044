/// Keeps claimed jobs for the next requests, gives them back to the queue, at once or later, or discards
/// them.
///
/// A row that was bought too often of late goes back for a while (G12, SpendingBrake); so do all rows of a
/// vectorizer that rests.
///
/// Invariant: a job that is handed over is then in the lane's buffer or in one settlement, never in both.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/job.h"
#include "core/queue.h"
#include "core/worker_state.h"

namespace embedd {

class JobKeeper {
 public:
  explicit JobKeeper(WorkerState& state) : state_(state) {}

  /// Returns the jobs whose rows may be bought now. Gives back the others, whose rows were bought too often
  /// of late, for a while.
  std::vector<LeasedJob> affordable(Lane& lane, std::vector<LeasedJob> jobs, Instant now);
  /// Puts jobs into the lane's buffer. Jobs whose rows were bought too often of late are given back for a
  /// while.
  void buffer(Lane& lane, std::vector<LeasedJob> jobs, Instant now);
  /// Gives back every job that is not in a request yet.
  void give_back(Lane& lane, Instant now);
  /// Gives back jobs whose former worker vanished. The purchase that the former worker may have made is
  /// counted first.
  void give_back_rescued(Lane& lane, std::vector<LeasedJob> jobs, Instant now);
  /// Gives back jobs whose texts have changed since they were bought. `others_stored`: vectors of other rows
  /// were stored meanwhile.
  void give_back_stale(const Settlements::News::Stale& stale, bool others_stored, Instant now);

  void reschedule(const Vectorizer& vectorizer, const std::vector<LeasedJob>& jobs, Duration delay,
                  Instant now, const Error* charged_for = nullptr);
  void discard(const Vectorizer& vectorizer, std::span<const LeasedJob> jobs, const Error& error,
               Instant now);
  /// Settles jobs that need no provider.
  void settle_at_once(const Vectorizer& vectorizer, Action action, std::vector<SettledJob> jobs, Instant now);

  /// Counts what a failed request may have cost for its rows, here and for other workers.
  void count_cost(Lane* lane, Batch& batch, const Error& error);

  /// The vectorizer's own declaration is at fault: the vectorizer rests, and its jobs are given back.
  void rest(Lane& lane, const std::string& message, Instant now);
  /// Rests the vectorizer if the database refused a claim or a page of it, because the database would refuse
  /// the next one, too.
  void rest_if_refused(Lane& lane, const Error& error, Instant now);

 private:
  void give_back_for(const Vectorizer& vectorizer, std::map<seconds, std::vector<SettledJob>> jobs,
                     Instant now);

  WorkerState& state_;
};

}  // namespace embedd
