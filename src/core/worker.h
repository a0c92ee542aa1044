/// The loop: claim, dispatch, wait, settle. One thread, one wait.
///
/// The worker meets the world only through its ports: core/queue.h, core/embedder.h, core/tokenizer.h,
/// core/io.h and core/observer.h. All ports share one rule. `send_*` and `start` begin work and do not wait
/// for its end. `take_*` return what has finished since the last call, each result exactly once. Only
/// Io::wait_until waits. The worker calls its ports on the loop's thread alone, except for Io::wake. One
/// suite of tests/contract tests every Queue, another every Embedder, the simulation's fakes included.
///
/// Read turn() first. It starts as much work as the limits allow, waits for something to finish, and settles
/// it. A worker may be killed at any instruction: all state that matters is in the queue.
#pragma once

#include <cstddef>
#include <optional>
#include <stop_token>
#include <vector>

#include "core/answers.h"
#include "core/budgets.h"
#include "core/cutter.h"
#include "core/dispatcher.h"
#include "core/drain.h"
#include "core/embedder.h"
#include "core/io.h"
#include "core/job_keeper.h"
#include "core/leases.h"
#include "core/limits_sync.h"
#include "core/observer.h"
#include "core/once_watch.h"
#include "core/poll_schedule.h"
#include "core/queue.h"
#include "core/text_fitter.h"
#include "core/tokenizer.h"
#include "core/worker_options.h"
#include "core/worker_state.h"

namespace embedd {

class Worker {
 public:
  /// All ports must outlive the worker.
  Worker(const WorkerOptions& options, Queue& queue, Embedder& embedder, const TokenizerCatalog& tokenizers,
         const Chunker& chunker, const Clock& clock, Io& io, Observer& observer);

  /// Runs until `stop` (or, with `once`, until nothing is due); then claims no more and returns once every
  /// lease is settled or given back.
  void run(std::stop_token stop);
  /// One turn of run(); only its wait blocks. For tests that drive the loop themselves.
  void turn(bool draining);
  /// True if nothing is left to do.
  [[nodiscard]] bool finished(bool draining) const;
  /// Gives up on requests in flight and gives their leases back. Thread-safe; call it after `stop`.
  void cancel();

  [[nodiscard]] const WorkerSummary& summary() const { return state_.summary; }
  /// Leased jobs in this worker's memory.
  [[nodiscard]] std::size_t leases() const { return state_.leases(); }
  /// Memory reserved for jobs, requests and answers (G10).
  [[nodiscard]] std::size_t held_bytes() const { return state_.held_bytes(); }

 private:
  // In the order of a turn.
  void poll(Instant now);
  void walk(Instant now);
  void claim(Instant now);
  void stop_working(Instant now);
  [[nodiscard]] Instant wake_at(Instant now) const;
  void polled(Poll poll, Instant now);
  void walked(WalkPage page, Instant now);
  void admit(Claim claim, Instant now, bool draining);
  void take_in(Lane& lane, Claim& claim, Instant now);
  void release(const Settlements::News& news, Instant now);

  [[nodiscard]] bool wants_claim(const Lane& lane, Instant now) const;
  [[nodiscard]] bool out_of_work() const;
  [[nodiscard]] bool rows_remain(const std::vector<VectorizerState>& states) const;
  [[nodiscard]] bool idle(const std::vector<VectorizerState>& states, Instant now) const;
  [[nodiscard]] static bool due_soon(const std::vector<VectorizerState>& states);

  WorkerState state_;
  JobKeeper keeper_{state_};
  TextFitter fitter_{state_, keeper_};
  Cutter cutter_{state_, keeper_};
  LimitsSync limits_{state_};
  Leases leases_{state_};
  Budgets budgets_{state_};
  Dispatcher dispatcher_{state_, keeper_, budgets_};
  Answers answers_{state_, keeper_, fitter_, budgets_};
  const Clock& clock_;
  Io& io_;
  std::size_t claims_in_flight_ = 0;

  PollSchedule polls_;
  OnceWatch once_;
  Drain drain_;
};

}  // namespace embedd
