/// Runs a worker from its start to its end, and creates all of its parts.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "app/settings.h"
#include "base/error.h"
#include "base/units.h"
#include "core/observer.h"
#include "core/worker.h"
#include "observe/health.h"
#include "observe/metrics.h"

namespace embedd::app {

struct WorkerRequest {
  WorkerOptions worker;  ///< run_worker chooses its seed
  Duration walk_every = seconds(3600);
  bool keep_messages = false;  ///< dead letters keep the database's own words
  bool traces = false;         ///< first adopt the table `traces`, as soon as it exists
};

/// How the caller takes part in a run.
struct WorkerHooks {
  std::stop_token stop;  ///< asks the worker to settle what is in flight, and to end
  /// Draws progress, which is then not logged. Destroyed before the last line is logged. May be null.
  std::unique_ptr<Observer> progress{};
  /// Called first; its result is destroyed last. Serves health and metrics of the run. May be null.
  std::function<Result<std::shared_ptr<void>>(const observe::Health&, const observe::Metrics&)> serve{};
  /// Called when the loop begins, with a function that gives up the requests in flight; called with null when
  /// the loop has ended.
  std::function<void(std::function<void()> cancel)> on_loop{};
};

struct WorkerReport {
  enum class End {
    before_database,  ///< stopped while the database was down
    before_table,     ///< stopped while there was no table to adopt
    after_work,
  };
  End end = End::after_work;
  WorkerSummary summary{};
  Duration took{};  ///< since the loop began
};

/// Starts HTTP, waits for the database, migrates, and runs the loop until `hooks.stop` or, with
/// `request.worker.once`, until nothing is due. Waits for a database that is down: a minute with `once`,
/// otherwise without end. Errors: those of `hooks.serve`, and those that waiting does not cure
/// (app/start_up.h).
Result<WorkerReport> run_worker(const Settings& settings, const WorkerRequest& request, WorkerHooks hooks);

/// The last line in the log of a worker that did nothing.
void log_stopped_early();

}  // namespace embedd::app
