/// The port to the queue in PostgreSQL: polls, claims, settlements, walks, and the endpoints' accounts.
/// core/worker.h states the rule that all ports share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/units.h"
#include "core/budget.h"
#include "core/chunker.h"
#include "core/job.h"
#include "core/learned_limits.h"

namespace embedd {

struct ClaimRequest {
  VectorizerId vectorizer = 0;
  LeaseToken lease{};
  Duration lease_time{};
  std::uint32_t max_rows = 0;
  std::size_t max_text_bytes = 0;  ///< over all rows; one row is always claimed, however long
};

struct Claim {
  ClaimRequest request;
  Result<std::vector<Job>> jobs;  ///< due jobs, live changes before backfill, oldest first
  bool more = false;              ///< the claim hit a limit: more jobs are probably due
  std::uint32_t rescued = 0;      ///< jobs taken over from a lapsed lease
};

enum class Action {
  complete,    ///< store the vectors and delete the jobs (a kept vector where `slot` is negative; of a row
               ///< that is cut, the vectors of all of its chunks)
  keep,        ///< keep the vectors with their jobs, and do not touch the user's table, which is locked
  clear,       ///< remove the vectors and delete the jobs
  drop,        ///< delete the jobs, nothing else
  reschedule,  ///< give the jobs back, due after `delay`, and remember SettledJob::wasted for later claims
  discard,     ///< move the jobs to dead letters
  extend,      ///< renew the leases to `delay` from now
  stage,       ///< keep the chunks of SettledJob::cut beside the store, and give the jobs back: due when all
               ///< chunks have vectors, or at once for the next window
};

constexpr bool has_vectors(Action action) { return action == Action::complete || action == Action::keep; }

struct SettledJob {
  Key key;
  LeaseToken lease{};
  std::int64_t text_hash = 0;
  std::int32_t slot = -1;               ///< index into Settlement::vectors; equal texts share one
  std::optional<Instant> changed_at{};  ///< when the text changed, for Observer::fresh
  std::uint32_t wasted = 0;             ///< reschedule only: purchases in vain under this lease
  std::shared_ptr<const Cut> cut{};     ///< stage only
  std::int32_t first_chunk = 0;         ///< stage only: the number of the cut's first chunk
};

/// The jobs of one settling statement. The worker sets `id`, and the Receipt returns it. The worker may send
/// the same settlement again, because the lease fences it; this resolves a settlement in doubt.
struct Settlement {
  std::uint64_t id = 0;
  VectorizerId vectorizer = 0;
  Action action = Action::complete;
  std::vector<SettledJob> jobs;  ///< not empty
  Embeddings vectors;            ///< complete, keep
  std::string model_id;          ///< complete only: the model that the worker asked for
  std::string model_version;     ///< complete only: the model that the server says it used
  /// Complete only: provider requests and billed tokens that bought these vectors. The Queue books them when
  /// the settlement is sent, whatever the outcome. So both are 0 when the settlement is sent again.
  std::uint64_t requests = 0, tokens = 0;
  Duration delay{};             ///< reschedule, extend
  bool charge_attempt = false;  ///< reschedule: this try was the row's own fault
  ErrorKind reason{};           ///< reschedule with charge_attempt, discard
  std::string message;          ///< reschedule with charge_attempt, discard
  bool clear_vector = true;     ///< discard: also remove the row's former vector
};

enum class Outcome {
  done,   ///< the action was carried out
  kept,   ///< keep was carried out; or complete or clear found the row locked by a user, so the job is given
          ///< back, due again soon, and a vector is kept in the queue
  busy,   ///< another transaction is writing the job right now: send again shortly
  gone,   ///< the lease no longer stands: text changed, row deleted, rescued, or settled before
  stale,  ///< the lease stands, but complete, clear or discard found another text (changed behind the
          ///< triggers), or drop found another vector; the worker still has the job, and gives it back
};

struct Receipt {
  std::uint64_t id = 0;
  Result<std::vector<Outcome>> outcomes;  ///< one per job, in order
  bool partly = false;  ///< with an error: a part of the settlement may still have been carried out
};

/// Why rows wait, as far as a worker knows: a problem of one vectorizer, or of an endpoint.
struct Problem {
  VectorizerId vectorizer = 0;  ///< 0: the problem is an endpoint's
  std::string endpoint{};       ///< empty: the problem is a vectorizer's
  std::string state;            ///< resting, locked, braked, unusable, or the name of the endpoint's state
  std::string message;          ///< for a person; never contains a secret
};

/// An endpoint as a worker finds it.
struct EndpointReport {
  std::string endpoint;
  std::string state;    ///< the name of an EndpointState
  std::string message;  ///< for a person; never contains a secret
  std::uint32_t in_flight = 0;
  std::uint32_t concurrency = 0;  ///< requests in flight that the endpoint is found to be worth
  double inputs_per_second = 0;   ///< while the endpoint is busy; 0: not known
};

/// What a worker says about itself in every poll.
struct Heartbeat {
  std::uint64_t rows_embedded = 0;
  std::uint32_t requests_in_flight = 0;
  std::uint32_t leases = 0;
  bool draining = false;
  std::vector<Problem> problems{};
  std::vector<EndpointReport> endpoints{};
};

struct VectorizerState {
  Vectorizer vectorizer;
  bool due = false;                ///< at least one job is due now
  bool waiting = false;            ///< at least one job exists, due or not
  bool walk_due = false;           ///< a walk is due, and no worker walks
  std::int64_t jobs_estimate = 0;  ///< from statistics or a bounded count; never a full count
  std::optional<Duration> oldest;  ///< how long the oldest due job has been due
  std::int64_t dead_letters = 0;   ///< bounded count
  /// Why nothing can be done for the vectorizer, such as a dropped table; empty: no problem is known.
  std::string problem;
  std::optional<LearnedLimits> remembered;  ///< limits found within a day
  /// Of the vectorizer. Of chunks: the budget of the vectorizer whose rows they are.
  VectorizerId budget_of = 0;
  Budget budget{};
  Cost reserved{}, endpoint_reserved{};  ///< of the day's budgets, by all workers; what was spent included
  std::int64_t day = 0;                  ///< by the database's clock, since 1970-01-01
};

using Poll = Result<std::vector<VectorizerState>>;

/// One page of a walk. A request with an empty cursor takes the right to walk. It begins a walk, or
/// continues one that another worker left.
struct WalkPage {
  VectorizerId vectorizer = 0;
  struct Progress {
    std::uint64_t scanned = 0;
    std::uint64_t enqueued = 0;
    std::uint64_t replaced = 0;  ///< enqueued rows whose vector was written by somebody else
    /// Rows that were not enqueued, because something overwrites their vector each time it is stored.
    std::uint64_t disputed = 0;
    bool finished = false;  ///< the walk reached the end, or was put off, or another worker walks
    bool put_off = false;   ///< no walk was begun: the table has not changed since the last walk
    bool routine = false;   ///< the walk was due by the clock alone: it probably finds nothing
    Duration took{};        ///< the database's time for this page
    bool deferred = false;  ///< the queue is long enough: ask again later with the same cursor
    Key next;               ///< cursor of the next page
  };
  Result<Progress> progress;
};

/// A part of an endpoint's account, reserved before use. All workers of a database share the account, in the
/// order of their reservations.
struct Reservation {
  std::string endpoint;
  std::string model;  ///< the model whose limits these are; "": all models of the endpoint
  std::int64_t requests = 0, tokens = 0;    ///< for the worker's own count
  Duration requests_time{}, tokens_time{};  ///< how long the account takes to earn them; 0: no limit
  Duration closed_for{};                    ///< the pause that the provider asks of all workers
  /// The name under which all workers know the account.
  [[nodiscard]] std::string account() const { return model.empty() ? endpoint : endpoint + " " + model; }
};

struct Reserved {
  Reservation reservation;
  Result<Duration> wait;  ///< from now until the reservation may be used
};

/// A purchase that is not in the books, because the database refused the entry.
struct Unbooked {
  VectorizerId vectorizer = 0;
  std::string model;
  std::uint64_t requests = 0, rows = 0, tokens = 0;
  Error error{};
  bool lost = false;  ///< the entry was given up; otherwise it is tried again
};

/// The queue in PostgreSQL. Its adapter reconnects by itself, for ever.
///
/// Errors: unavailable (not connected), in_doubt (the connection was lost after sending), conflict (a lock,
/// or another writer), canceled (a timeout of the statement), misconfigured (a privilege or a table is
/// missing) and rejected (the statement fails on these rows).
class Queue {
 public:
  virtual ~Queue() = default;
  /// Heartbeat, the list of vectorizers, and what is due: one statement.
  virtual void send_poll(const Heartbeat& heartbeat) = 0;
  virtual std::optional<Poll> take_poll() = 0;
  /// Vectorizers that a notification named since the last call. Only a hint.
  virtual std::vector<VectorizerId> take_hints() = 0;
  virtual void send_claim(const ClaimRequest& request) = 0;
  virtual std::vector<Claim> take_claims() = 0;
  /// Nobody changes `settlement` until its receipt has been taken.
  virtual void send_settlement(std::shared_ptr<const Settlement> settlement) = 0;
  virtual std::vector<Receipt> take_receipts() = 0;
  /// Entries of usage that failed since the last call.
  virtual std::vector<Unbooked> take_unbooked() { return {}; }
  virtual void send_walk(VectorizerId vectorizer, const Key& cursor) = 0;
  virtual std::vector<WalkPage> take_walked() = 0;
  virtual void send_reservation(const Reservation& reservation) = 0;
  virtual std::vector<Reserved> take_reserved() = 0;
  virtual void send_budget_request(const BudgetRequest& request) = 0;
  virtual std::vector<BudgetAnswer> take_budget_answers() = 0;
  /// Replaces the limits that the database remembers, for all workers whose endpoint of that name has the
  /// same address. Later polls return them (VectorizerState::remembered). No result comes; a failure is
  /// logged.
  virtual void send_limits(const LimitsRecord& record) = 0;
  /// Connected and able to take statements. Nothing should be sent to a queue that is not ready.
  [[nodiscard]] virtual bool ready() const = 0;
};

}  // namespace embedd
