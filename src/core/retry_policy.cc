#include "core/retry_policy.h"

#include <algorithm>
#include <cmath>

namespace embedd {

namespace {

/// A vectorizer that was never accepted and fails row after row may be declared wrongly, not full of bad rows
/// …
constexpr std::size_t kFailedAloneNeverAccepted = 8;
/// … and one that was accepted before gets the benefit of the doubt for longer.
constexpr std::size_t kFailedAloneAcceptedBefore = 100;

constexpr Duration kLongestRetryAfter = std::chrono::hours(1);

Verdict alone_at_fault(const Failure& failure) {
  const std::size_t patience =
      failure.accepted_before ? kFailedAloneAcceptedBefore : kFailedAloneNeverAccepted;
  if (failure.failed_alone >= patience) return Verdict::doubt;
  // A plain refusal is final once the endpoint is known to accept this vectorizer's requests at all.
  if (failure.kind == ErrorKind::rejected && failure.accepted_before) return Verdict::discard;
  return failure.attempt + 1 >= failure.max_attempts ? Verdict::discard : Verdict::charge;
}

}  // namespace

Verdict verdict(const Failure& failure) {
  switch (failure.kind) {
    case ErrorKind::rate_limited:
    case ErrorKind::quota_exhausted:
    case ErrorKind::unauthenticated:
    case ErrorKind::canceled: return Verdict::hold;
    case ErrorKind::unavailable:
      // One row can make a server fail as a whole (an input that crashes the model), so even an outage
      // splits.
      if (failure.jobs > 1) return Verdict::split;
      return failure.endpoint_healthy ? Verdict::set_aside : Verdict::hold;
    case ErrorKind::misconfigured: return Verdict::pause_vectorizer;
    case ErrorKind::too_large: return failure.jobs > 1 ? Verdict::split : Verdict::shrink;
    case ErrorKind::rejected:
    case ErrorKind::invalid_answer:
    case ErrorKind::invalid_argument: return failure.jobs > 1 ? Verdict::split : alone_at_fault(failure);
    case ErrorKind::conflict:
    case ErrorKind::in_doubt: return Verdict::hold;  // kinds of the database; no provider reports them
  }
  return Verdict::hold;
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

Duration endpoint_pause(ErrorKind kind, unsigned failures, std::optional<Duration> retry_after,
                        Random& random) {
  if (retry_after) return std::clamp<Duration>(*retry_after, milliseconds(1), kLongestRetryAfter);
  switch (kind) {
    case ErrorKind::unauthenticated: return backoff(seconds(15), minutes(5), failures, random);
    case ErrorKind::quota_exhausted: return backoff(seconds(30), minutes(15), failures, random);
    case ErrorKind::rate_limited: return backoff(seconds(1), minutes(1), failures, random);
    default: return backoff(milliseconds(500), minutes(1), failures, random);
  }
}

Duration attempt_delay(int attempt, Random& random) {
  return backoff(seconds(1), minutes(10), static_cast<unsigned>(std::max(attempt, 1)) * 2 - 1, random);
}

}  // namespace embedd
