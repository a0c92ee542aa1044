/// What becomes of jobs whose request or settlement failed: the rules of retrying, as pure functions.
#pragma once

#include <cstddef>
#include <optional>

#include "base/error.h"
#include "base/units.h"
#include "core/queue.h"
#include "core/random.h"

namespace embedd {

/// What becomes of the jobs of a failed request.
enum class Verdict {
  hold,       ///< the endpoint's trouble: keep the jobs, no attempt charged, ask again when it recovers
  split,      ///< send each half on its own, so that a culprit ends alone
  set_aside,  ///< alone and failing at a healthy endpoint: try much later, no attempt charged
  shrink,     ///< alone and too long: cut the text and send it again
  charge,     ///< the row's own fault: charge an attempt and try later
  discard,    ///< the row can never succeed
  doubt,  ///< row after row fails alone: ask about a harmless text whether it is the rows or the vectorizer
  rest_vectorizer,  ///< every row would fail the same way: stop this vectorizer, keep its rows
};

struct Failure {
  ErrorKind kind{};
  std::size_t jobs = 1;  ///< in the request
  int attempt = 0;       ///< already charged to the job (of a request of one)
  int max_attempts = 5;
  bool endpoint_healthy = false;  ///< it answered well within the last minute
  bool accepted_before = false;   ///< this vectorizer has had an accepted request
  std::size_t failed_alone =
      0;  ///< jobs of this vectorizer that failed alone since its last accepted request
};

Verdict verdict(const Failure& failure);

/// What becomes of a settlement that the database did not carry out.
enum class SettlementVerdict {
  resend,   ///< the database's trouble: send it again as it is, somewhat later
  split,    ///< send each half on its own, so that a culprit ends alone
  keep,     ///< leave the user's table alone, and keep the paid vectors with their jobs
  discard,  ///< the row can never be stored: a dead letter, and its row is left as it is
  rest,     ///< every row would be refused: keep the vectors, let go of the rest, stop this vectorizer
  let_go,   ///< nothing is to be done: leases lapse, or the next sweep extends them
};

struct SettlementFailure {
  ErrorKind kind{};
  Action action = Action::complete;
  bool clear_vector = false;      ///< discard: the row's former vector was to be removed
  std::size_t jobs = 1;           ///< in the settlement
  unsigned tries = 1;             ///< failed so far, with this one
  bool stored_before = false;     ///< this worker has stored a vector of this vectorizer
  std::size_t refused_alone = 0;  ///< rows of this vectorizer refused alone since its last stored vector
  bool swaps = false;             ///< complete: a row's chunks, which are in the database already
};

SettlementVerdict settlement_verdict(const SettlementFailure& failure);

/// A vectorizer that rests because its table refused row after row is tried with so many: a good one among
/// them says that the others are at fault. What is bought for that is kept.
inline constexpr std::uint32_t kRefusedProbeRows = 16;

/// True for faults of the endpoint as a whole: they pause or slow it, and are nobody's attempt (G7).
bool is_endpoint_fault(ErrorKind kind);

/// `base · 2^(failures - 1)`, at most `cap`, times a random factor in [0.75, 1). `failures` ≥ 1.
Duration backoff(Duration base, Duration cap, unsigned failures, Random& random);

/// How long an endpoint rests after `failures` faults in a row. The server's own wish can lengthen that, to
/// an hour at most, and never shortens it.
Duration endpoint_pause(ErrorKind kind, unsigned failures, std::optional<Duration> retry_after,
                        Random& random);

/// How long a job waits after its `attempt`-th charged attempt (1 s, 4 s, 16 s, … 10 min).
Duration attempt_delay(int attempt, Random& random);

/// How long a job is set aside.
inline constexpr Duration kSetAside = seconds(60);

}  // namespace embedd
