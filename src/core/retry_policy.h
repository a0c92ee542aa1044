/// The rules of retrying, as pure functions: what to do with jobs whose request or settlement failed.
#pragma once

#include <cstddef>
#include <optional>

#include "base/error.h"
#include "base/units.h"
#include "core/queue.h"
#include "core/random.h"

namespace embedd {

/// What to do with the jobs of a failed request.
enum class Verdict {
  wait,       ///< the endpoint's fault: keep the jobs, charge no attempt, ask again when it recovers
  split,      ///< send each half on its own, so that the culprit ends up alone
  set_aside,  ///< failed alone at a healthy endpoint: try much later, charge no attempt
  shrink,     ///< too long, and alone: cut the text and send it again
  charge,     ///< the row's own fault: charge an attempt and try later
  discard,    ///< the row can never succeed
  doubt,  ///< row after row fails alone: ask about a harmless text, to see if rows or vectorizer are at fault
  rest_vectorizer,  ///< every row would fail the same way: stop this vectorizer, keep its rows
};

struct Failure {
  ErrorKind kind{};
  std::size_t jobs = 1;  ///< in the request
  int attempt = 0;       ///< already charged to the job (of a request of one)
  int max_attempts = 5;
  bool endpoint_healthy = false;  ///< it answered well within the last minute
  bool accepted_before = false;   ///< a request of this vectorizer was accepted before
  std::size_t failed_alone =
      0;  ///< jobs of this vectorizer that failed alone since its last accepted request
};

Verdict verdict(const Failure& failure);

/// What to do with a settlement that the database did not carry out.
enum class SettlementVerdict {
  resend,   ///< the database's fault: send it again unchanged, somewhat later
  split,    ///< send each half on its own, so that the culprit ends up alone
  keep,     ///< do not touch the user's table, and keep the paid vectors with their jobs
  discard,  ///< the row can never be stored: make it a dead letter, and leave the row unchanged
  rest,     ///< every row would be refused: keep the vectors, give up other settlements, stop this vectorizer
  let_go,   ///< nothing to do: leases lapse, or are extended next time
};

struct SettlementFailure {
  ErrorKind kind{};
  Action action = Action::complete;
  bool clear_vector = false;      ///< discard: the row's former vector was to be removed too
  std::size_t jobs = 1;           ///< in the settlement
  unsigned tries = 1;             ///< failures so far, this one included
  bool stored_before = false;     ///< this worker has stored a vector of this vectorizer
  std::size_t refused_alone = 0;  ///< rows of this vectorizer refused alone since its last stored vector
  bool swaps = false;             ///< complete: a row's chunks, which are in the database already
};

SettlementVerdict settlement_verdict(const SettlementFailure& failure);

/// How many rows to try of a vectorizer that rests because its table refused row after row: one good row
/// among them shows that the other rows are at fault. Vectors bought for the try are kept.
inline constexpr std::uint32_t kRefusedProbeRows = 16;

/// True for faults of the endpoint as a whole: they pause or slow the endpoint, and charge no attempt (G7).
bool is_endpoint_fault(ErrorKind kind);

/// `base · 2^(failures - 1)`, at most `cap`, times a random factor in [0.75, 1). `failures` ≥ 1.
Duration backoff(Duration base, Duration cap, unsigned failures, Random& random);

/// How long an endpoint rests after `failures` faults in a row. The server's retry time can lengthen the
/// rest, to an hour at most, and never shortens it.
Duration endpoint_pause(ErrorKind kind, unsigned failures, std::optional<Duration> retry_after,
                        Random& random);

/// How long a job waits after its `attempt`-th charged attempt (1 s, 4 s, 16 s, … 10 min).
Duration attempt_delay(int attempt, Random& random);

/// How long a job is set aside.
inline constexpr Duration kSetAside = seconds(60);

}  // namespace embedd
