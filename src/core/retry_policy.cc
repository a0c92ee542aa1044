#include "core/retry_policy.h"

#include <algorithm>
#include <cmath>

namespace embedd {

namespace {

/// Rows that fail alone, one after another, before a vectorizer that never had an accepted request is
/// doubted: its declaration may be wrong.
constexpr std::size_t kFailedAloneNeverAccepted = 8;
/// The same for a vectorizer that had an accepted request.
constexpr std::size_t kFailedAloneAcceptedBefore = 100;

/// The same for rows that the database refuses. There is no harmless row to try, and a discarded row costs
/// its vector. So a table that took vectors before gets only a little more patience.
constexpr std::size_t kRefusedNeverStored = 8;
constexpr std::size_t kRefusedStoredBefore = 20;

/// Conflicts in a row, some seconds' worth, after which vectors are kept in the queue. A migration can lock a
/// table for hours, and these vectors must neither fill the memory that others need nor depend on this
/// worker's life.
constexpr unsigned kPatience = 4;
/// A swap that is canceled has taken half an hour, and kept the row's writers waiting, or a person canceled
/// it.
constexpr unsigned kSwapPatience = 2;

constexpr Duration kLongestRetryAfter = std::chrono::hours(1);

Verdict alone_at_fault(const Failure& failure) {
  const std::size_t patience =
      failure.accepted_before ? kFailedAloneAcceptedBefore : kFailedAloneNeverAccepted;
  if (failure.failed_alone >= patience) return Verdict::doubt;
  // A plain refusal is final if the endpoint has accepted a request of this vectorizer.
  if (failure.kind == ErrorKind::rejected && failure.accepted_before) return Verdict::discard;
  return failure.attempt + 1 >= failure.max_attempts ? Verdict::discard : Verdict::charge;
}

}  // namespace

Verdict verdict(const Failure& failure) {
  switch (failure.kind) {
    case ErrorKind::rate_limited:
    case ErrorKind::quota_exhausted:
    case ErrorKind::unauthenticated:
    case ErrorKind::canceled: return Verdict::wait;
    case ErrorKind::unavailable:
      // One row can make a whole server fail, such as an input that crashes the model. So even an outage
      // splits.
      if (failure.jobs > 1) return Verdict::split;
      return failure.endpoint_healthy ? Verdict::set_aside : Verdict::wait;
    case ErrorKind::misconfigured: return Verdict::rest_vectorizer;
    case ErrorKind::too_large: return failure.jobs > 1 ? Verdict::split : Verdict::shrink;
    case ErrorKind::rejected:
    case ErrorKind::invalid_answer:
    case ErrorKind::invalid_argument: return failure.jobs > 1 ? Verdict::split : alone_at_fault(failure);
    case ErrorKind::conflict:
    case ErrorKind::in_doubt: return Verdict::wait;  // kinds of the database; no provider reports them
  }
  return Verdict::wait;
}

namespace {

/// The database refused to write: a constraint, a user's trigger, a column of another size.
SettlementVerdict refused(const SettlementFailure& failure, bool stores) {
  const std::size_t patience = failure.stored_before ? kRefusedStoredBefore : kRefusedNeverStored;
  if (stores && failure.refused_alone >= patience && failure.jobs > kRefusedProbeRows)
    return SettlementVerdict::rest;
  if (failure.jobs > 1) return SettlementVerdict::split;
  if (stores && failure.refused_alone + 1 >= patience) return SettlementVerdict::rest;
  // If not even the dead letter can be written, the lease lapses.
  if (failure.action == Action::discard && !failure.clear_vector) return SettlementVerdict::let_go;
  return SettlementVerdict::discard;
}

}  // namespace

SettlementVerdict settlement_verdict(const SettlementFailure& failure) {
  const bool stores = failure.action == Action::complete;
  if (failure.action == Action::extend) return SettlementVerdict::let_go;
  switch (failure.kind) {
    case ErrorKind::in_doubt:
    case ErrorKind::unavailable: return SettlementVerdict::resend;
    case ErrorKind::conflict:
      return stores && failure.tries >= kPatience ? SettlementVerdict::keep : SettlementVerdict::resend;
    case ErrorKind::canceled:  // timed out: a slow index, a trigger that waits
      if (failure.jobs > 1) return SettlementVerdict::split;
      // There is no vector to keep, and no smaller statement: a row of so many chunks takes too long each
      // time.
      if (stores && failure.swaps)
        return failure.tries >= kSwapPatience ? SettlementVerdict::discard : SettlementVerdict::resend;
      return stores ? SettlementVerdict::keep : SettlementVerdict::resend;
    case ErrorKind::misconfigured: return SettlementVerdict::rest;
    default: return refused(failure, stores);
  }
}

bool is_endpoint_fault(ErrorKind kind) {
  return kind == ErrorKind::unavailable || kind == ErrorKind::rate_limited ||
         kind == ErrorKind::quota_exhausted || kind == ErrorKind::unauthenticated;
}

Duration backoff(Duration base, Duration cap, unsigned failures, Random& random) {
  const double doublings = std::min(failures > 0 ? failures - 1 : 0U, 30U);
  const double full = std::min(to_seconds(base) * std::exp2(doublings), to_seconds(cap));
  return std::chrono::duration_cast<Duration>(
      std::chrono::duration<double>(full * (0.75 + 0.25 * random.unit())));
}

namespace {

Duration own_pause(ErrorKind kind, unsigned failures, Random& random) {
  switch (kind) {
    case ErrorKind::unauthenticated: return backoff(seconds(15), minutes(5), failures, random);
    case ErrorKind::quota_exhausted: return backoff(seconds(30), minutes(15), failures, random);
    case ErrorKind::rate_limited: return backoff(seconds(1), minutes(1), failures, random);
    default: return backoff(milliseconds(500), minutes(1), failures, random);
  }
}

}  // namespace

Duration endpoint_pause(ErrorKind kind, unsigned failures, std::optional<Duration> retry_after,
                        Random& random) {
  return std::max(own_pause(kind, failures, random),
                  std::min<Duration>(retry_after.value_or(Duration{}), kLongestRetryAfter));
}

Duration attempt_delay(int attempt, Random& random) {
  return backoff(seconds(1), minutes(10), static_cast<unsigned>(std::max(attempt, 1)) * 2 - 1, random);
}

}  // namespace embedd
