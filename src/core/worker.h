/// The loop: claim, dispatch, wait, settle. One thread, one wait; everything outside is a port
/// (core/ports.h).
///
/// Read turn() first. It starts as much work as the limits allow, waits for something to finish, and settles
/// it. A worker may be killed at any instruction: all state that matters is in the queue.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "core/drain.h"
#include "core/job_keeper.h"
#include "core/leases.h"
#include "core/once_watch.h"
#include "core/poll_schedule.h"
#include "core/retry_policy.h"
#include "core/worker_options.h"
#include "core/worker_state.h"

namespace embedd {

class Worker {
 public:
  /// All ports must outlive the worker.
  Worker(WorkerOptions options, Queue& queue, Embedder& embedder, const TokenizerCatalog& tokenizers,
         const Clock& clock, Io& io, Observer& observer);

  /// Runs until `stop` (or, with `once`, until nothing is due); then claims no more and returns once every
  /// lease is settled or given back.
  void run(std::stop_token stop);
  /// One turn of run(); only its wait blocks. For tests that drive the loop themselves.
  void turn(bool draining);
  /// Nothing is left to do.
  [[nodiscard]] bool finished(bool draining) const;
  /// Gives up on requests in flight and gives their leases back. Thread-safe; call it after `stop`.
  void cancel();

  [[nodiscard]] const WorkerSummary& summary() const { return state_.summary; }
  /// Jobs under lease here.
  [[nodiscard]] std::size_t leases_held() const { return state_.leases_held(); }
  /// Memory accounted to jobs, requests and answers (G10).
  [[nodiscard]] std::size_t held_bytes() const { return state_.held_bytes(); }

 private:
  // In the order of a turn.
  void poll(Instant now);
  void reconcile(Instant now);
  void claim(Instant now);
  void dispatch(Instant now);
  void stop_working(Instant now);
  [[nodiscard]] Instant wake_at(Instant now) const;
  void note(Poll poll, Instant now);
  void note(ReconcilePage page, Instant now);
  void admit(Claim claim, Instant now, bool draining);
  void take_in(Lane& lane, Claim& claim, Instant now);
  void settle(Reply reply, Instant now);
  void give_up(Instant now);
  void release(const Settlements::News& news, Instant now);

  bool wants_claim(const Lane& lane, Instant now) const;
  bool dispatch_one(Lane& lane, Instant now);
  void start(Lane& lane, Batch batch, Instant now);
  void complete(Lane* lane, Batch batch, EmbedAnswer answer, Instant now);
  std::optional<Error> doubt(Lane* lane, Batch& batch, const EmbedAnswer& answer, Instant now);
  void compare_alone(Lane& lane, const Batch& batch, const Embeddings& vectors, std::int32_t slot,
                     Instant now);
  [[nodiscard]] bool tells_of_cuts(Lane& lane, const HeldJob& held) const;
  void notice_cuts(Lane& lane, const Batch& batch, const EmbedAnswer& answer);
  void judge_canary(Lane* lane, const Reply& reply, Instant now);
  void handle_failure(Lane* lane, Batch batch, const Error& error, Instant now);
  void carry_out(Verdict verdict, Lane& lane, Batch batch, const Error& error, Instant now);
  bool heed(Lane& lane, Batch& batch, const NamedLimits& named, Instant now);
  bool heed_text_limit(Lane& lane, Batch& batch, const NamedLimits& named, Instant now);
  void learn_text(Lane& lane, std::size_t tokens, const NamedLimits& named, Instant now);
  void split(Lane& lane, Batch batch, const Error& error, Instant now);
  void shrink(Lane& lane, HeldJob held, const Error& error, Instant now);
  [[nodiscard]] LearnedLimits learned(const Lane& lane) const;
  void begin_with(Lane& lane, const LearnedLimits& limits);
  void remember(Lane& lane, const std::optional<LearnedLimits>& remembered);
  void redeclare(Lane& lane, const Vectorizer& vectorizer);
  static void learn_inputs(Lane& lane, const Batch& accepted);
  static void learn_pieces(Lane& lane, const std::vector<HeldJob>& accepted);
  void keep_pieces(const Lane& lane, HeldJob& held, std::size_t most);
  bool may_spend(Lane& lane, EndpointGate& gate, BatchLimits& fit, Instant now);
  bool measure(const Lane& lane, HeldJob& held);
  bool measure_again(Lane& lane, std::vector<HeldJob>& jobs, Instant now);
  [[nodiscard]] bool surely_too_long(const Lane& lane, std::string_view text,
                                     const Tokenizer& tokenizer) const;
  [[nodiscard]] std::size_t longest_text(const Lane& lane) const;
  [[nodiscard]] Error too_long(const Lane& lane) const;
  bool out_of_work() const;
  [[nodiscard]] bool rows_remain(const std::vector<VectorizerState>& states) const;
  bool idle(const std::vector<VectorizerState>& states, Instant now) const;

  WorkerState state_;
  JobKeeper keeper_;
  Leases leases_;
  const Clock& clock_;
  Io& io_;
  std::size_t claims_in_flight_ = 0;

  PollSchedule polls_;
  OnceWatch once_;
  Drain drain_;
};

}  // namespace embedd
