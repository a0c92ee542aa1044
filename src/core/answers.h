/// What becomes of a request's jobs once its reply is there: they are completed, or verdict() says how they
/// are tried again.
///
/// Invariant: a reply takes its request out of flight, and each of the request's jobs is then in the lane's
/// buffer or in one settlement.
#pragma once

#include <cstdint>
#include <optional>

#include "core/budgets.h"
#include "core/embedder.h"
#include "core/job_keeper.h"
#include "core/retry_policy.h"
#include "core/text_fitter.h"
#include "core/worker_state.h"

namespace embedd {

class Answers {
 public:
  Answers(WorkerState& state, JobKeeper& keeper, TextFitter& fitter, Budgets& budgets)
      : state_(state), keeper_(keeper), fitter_(fitter), budgets_(budgets) {}

  /// `draining`: failed jobs are given back to the queue.
  void settle(Reply reply, bool draining, Instant now);
  /// Gives up requests whose endpoint has been silent for too long. Replies that have arrived are handled
  /// first, because the silence may be this process's own: it may have been stopped meanwhile.
  void give_up(bool draining, Instant now);

 private:
  void tell_endpoint(const Batch& batch, const Reply& reply, Instant now);
  void tell_of_failure(const Batch& batch, const Error& error, EndpointGate& gate, Instant now);
  void judge_canary(Lane* lane, const Reply& reply, Instant now);
  std::optional<Error> doubt(Lane* lane, Batch& batch, const EmbedAnswer& answer, Instant now);
  void complete(Lane* lane, Batch batch, EmbedAnswer answer, Instant now);
  void learn(Lane& lane, const Batch& batch, const EmbedAnswer& answer, std::int32_t first_slot, Instant now);
  void fail(Lane* lane, Batch batch, const Error& error, bool draining, Instant now);
  bool heed(Lane& lane, Batch& batch, const NamedLimits& named, Instant now);
  void carry_out(Verdict verdict, Lane& lane, Batch batch, const Error& error, Instant now);
  void split(Lane& lane, Batch batch, const Error& error, Instant now);

  WorkerState& state_;
  JobKeeper& keeper_;
  TextFitter& fitter_;
  Budgets& budgets_;
};

}  // namespace embedd
