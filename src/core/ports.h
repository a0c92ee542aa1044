/// What the worker needs from the outside, as contracts: Queue, Embedder, Clock, Io, Observer, Tokenizer.
///
/// Every port follows one rule: `send_*` and `start` begin work and return at once; `take_*` hand over what
/// has finished, each result exactly once; only Io::wait_until blocks. All calls come from the loop's one
/// thread. Each fake in tests/sim is held to these contracts by tests/contract, together with the real
/// adapter.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/recycling_allocator.h"
#include "base/units.h"
#include "core/learned_limits.h"

namespace embedd {

using VectorizerId = std::int64_t;

/// The key columns of one source row, as one opaque value that the Queue made and only the Queue reads.
using Key = std::string;

/// The fence: random, fresh for every claim. A job may be settled only while it still carries this token.
using LeaseToken = std::array<std::uint8_t, 16>;

/// What becomes of a text that is longer than the model takes.
enum class LongTexts {
  truncate,  ///< embed its beginning
  average,   ///< embed all of it in pieces, and store their mean
  discard,   ///< make it a dead letter
};

std::string_view name_of(LongTexts policy);
std::optional<LongTexts> long_texts_named(std::string_view name);

/// What the worker needs to know of a vectorizer; the SQL side stays in the Queue.
struct Vectorizer {
  VectorizerId id = 0;
  std::string name;
  std::string endpoint;          ///< names an endpoint of the worker's configuration
  std::string model;             ///< as sent to the provider, and stored as the model id
  int dimensions = 0;            ///< of every vector to be stored; > 0
  bool send_dimensions = false;  ///< whether the request names `dimensions`
  bool paused = false;
  LongTexts long_texts = LongTexts::truncate;
  bool operator==(const Vectorizer&) const = default;
};

/// What a claimed job asks for.
enum class Task {
  embed,       ///< `text` holds the row's current text
  clear,       ///< the row is gone, not covered, or its text is empty: remove its vector, if any
  current,     ///< the stored vector is already that of the current text: just drop the job
  store_kept,  ///< the vector is already paid for and kept in the queue: store it now
  refused,     ///< whether the row is covered cannot be said, or its text is none: discard it for `refusal`
};

/// Purchases of a row in vain, as the queue remembers them for all workers.
struct Waste {
  double level = 0;  ///< how many, less what was forgotten of earlier ones when the last came (SpendingBrake)
  Duration ago{};    ///< since the last
};

/// One source row that waits, under a lease of ours.
struct Job {
  VectorizerId vectorizer = 0;
  LeaseToken lease{};
  Key key;
  int attempt = 0;  ///< attempts consumed so far
  Task task = Task::embed;
  std::string text;                        ///< UTF-8, cut to the Queue's limit; empty unless task == embed
  std::int64_t text_hash = 0;              ///< of `text`, as the Queue computes it; handed back when storing
  std::optional<Duration> age;             ///< since its text changed; none for a job that reconcile made
  std::shared_ptr<const Error> refusal{};  ///< task == refused only
  bool rescued = false;  ///< another worker's lease on it has lapsed: it may have bought the text
  Waste wasted{};
};

struct ClaimRequest {
  VectorizerId vectorizer = 0;
  LeaseToken lease{};
  Duration lease_time{};
  std::uint32_t max_rows = 0;
  std::size_t max_text_bytes = 0;  ///< over all rows; one row is always allowed
};

struct Claim {
  ClaimRequest request;
  Result<std::vector<Job>> jobs;  ///< due jobs, live changes before backfill, oldest first
  bool more = false;              ///< a limit was hit: more is probably due
  std::uint32_t rescued = 0;      ///< jobs taken over from a lapsed lease
};

/// Vectors of one answer: `count() × dimensions` float32, native byte order, contiguous.
struct Embeddings {
  std::uint32_t dimensions = 0;
  std::vector<float, RecyclingAllocator<float>> values;
  [[nodiscard]] std::size_t count() const { return dimensions == 0 ? 0 : values.size() / dimensions; }
};

enum class Action {
  complete,    ///< store the vectors and delete the jobs (a kept vector where `slot` is negative)
  keep,        ///< leave the user's table alone, which is locked, and keep the vectors with their jobs
  clear,       ///< remove the vectors and delete the jobs
  drop,        ///< delete the jobs, nothing else
  reschedule,  ///< give the jobs back, due after `delay`; what was wasted on them is told to who claims them
  discard,     ///< move the jobs to dead letters
  extend,      ///< renew the leases to `delay` from now
};

constexpr bool has_vectors(Action action) { return action == Action::complete || action == Action::keep; }

struct SettledJob {
  Key key;
  LeaseToken lease{};
  std::int64_t text_hash = 0;
  std::int32_t slot = -1;               ///< index into Settlement::vectors; equal texts share one
  std::optional<Instant> changed_at{};  ///< when its text changed, for Observer::fresh
  std::uint32_t wasted = 0;  ///< its purchases in vain under this lease: reschedule has them remembered
};

/// One statement's worth of settling. `id` is the worker's and returns in the Receipt. Sending the same
/// settlement again is safe: the lease fences it. (That is how an in-doubt settlement is looked up.)
struct Settlement {
  std::uint64_t id = 0;
  VectorizerId vectorizer = 0;
  Action action = Action::complete;
  std::vector<SettledJob> jobs;  ///< not empty
  Embeddings vectors;            ///< complete, keep
  std::string model_id;          ///< complete only: what we asked for
  std::string model_version;     ///< complete only: what the server says it used
  std::uint64_t requests = 0;    ///< complete only: provider requests behind these vectors, for usage …
  std::uint64_t tokens =
      0;             ///< … and the tokens billed; 0 when it is sent again: they are booked as it is sent
  Duration delay{};  ///< reschedule, extend
  bool charge_attempt = false;  ///< reschedule: this try was the row's own fault
  ErrorKind reason{};           ///< reschedule with charge_attempt, discard
  std::string message;          ///< the same
  bool clear_vector = true;     ///< discard: remove the vector of the row's former text, too
};

enum class Outcome {
  done,   ///< the action was carried out
  kept,   ///< keep; and complete, clear: a user holds the row; the job is given back, due again soon, and a
          ///< vector is kept in the queue
  busy,   ///< the job is being written by another transaction right now: send again shortly
  gone,   ///< the lease no longer stands: text changed, row deleted, rescued, or settled before
  stale,  ///< the lease stands, but complete, clear or discard find another text (changed behind the
          ///< triggers), or drop another vector; the job is still ours, to be given back
};

struct Receipt {
  std::uint64_t id = 0;
  Result<std::vector<Outcome>> outcomes;  ///< one per job, in order
  bool partly = false;  ///< with an error: some of it may have been carried out all the same
};

/// Why rows wait, as far as a worker knows: of a vectorizer, or of an endpoint and all that use it.
struct Trouble {
  VectorizerId vectorizer = 0;  ///< 0: the endpoint's
  std::string endpoint{};       ///< empty: the vectorizer's
  std::string state;            ///< resting, locked, or the name of the endpoint's state
  std::string message;          ///< for a person; never holds a secret
};

/// What a worker says of itself in its heartbeat.
struct Heartbeat {
  std::uint64_t rows_embedded = 0;
  std::uint32_t requests_in_flight = 0;
  std::uint32_t leases_held = 0;
  bool draining = false;
  std::vector<Trouble> troubles{};
};

struct VectorizerState {
  Vectorizer vectorizer;
  bool due = false;                ///< at least one job is due now
  bool waiting = false;            ///< at least one job exists, due or not
  bool reconcile_due = false;      ///< nobody reconciles it, and it is time
  std::int64_t jobs_estimate = 0;  ///< from statistics or a bounded count; never a full count
  std::optional<Duration> oldest;  ///< how long the oldest due job has been due
  std::int64_t dead_letters = 0;   ///< bounded count
  std::string problem;  ///< why nothing can be done for it, such as a dropped table; empty: nothing known
  std::optional<LearnedLimits> remembered;  ///< of its endpoint, model and dimensions, for a day
};

using Poll = Result<std::vector<VectorizerState>>;

/// One page of reconcile. An empty `cursor` in the request takes the duty, and begins a walk or goes on with
/// one that was left behind.
struct ReconcilePage {
  VectorizerId vectorizer = 0;
  struct Progress {
    std::uint64_t scanned = 0;
    std::uint64_t enqueued = 0;
    std::uint64_t replaced = 0;  ///< of these, rows whose vector somebody else replaced
    std::uint64_t disputed = 0;  ///< not enqueued: somebody replaces their vector each time that it is stored
    bool finished = false;       ///< the walk reached the end, or was put off, or another worker has the duty
    bool put_off = false;        ///< there is no walk, since nothing has happened to the table since the last
    bool routine = false;        ///< it is due by the clock alone: most probably it finds nothing
    Duration took{};             ///< the database, for this page
    bool deferred = false;       ///< the queue is long enough already: ask again later with the same cursor
    Key next;                    ///< cursor of the next page
  };
  Result<Progress> progress;
};

/// A part of what an endpoint's account allows, before it is used. All workers of a database draw from one
/// account, in the order in which they ask.
struct Reservation {
  std::string endpoint;
  std::string model;                        ///< whose limits these are; "": all that the endpoint has
  std::int64_t requests = 0, tokens = 0;    ///< for the worker's own books
  Duration requests_cost{}, tokens_cost{};  ///< how long the account takes to earn them; 0: no limit
  Duration closed_for{};                    ///< the provider said so: nobody may use anything meanwhile
  /// The name under which all workers know the account.
  [[nodiscard]] std::string account() const { return model.empty() ? endpoint : endpoint + " " + model; }
};

struct Grant {
  Reservation reservation;
  Result<Duration> wait;  ///< from now on, until it may be used
};

/// What was bought and is not in the books, since the database refuses the entry.
struct Unbooked {
  VectorizerId vectorizer = 0;
  std::string model;
  std::uint64_t requests = 0, rows = 0, tokens = 0;
  Error error{};
  bool lost = false;  ///< it was given up; else it is tried again
};

/// The queue in PostgreSQL. Errors: unavailable, conflict, in_doubt (connection lost after sending), rejected
/// (the statement itself fails: privileges, a dropped table). The adapter reconnects by itself, for ever.
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
  virtual void send_reconcile(VectorizerId vectorizer, const Key& cursor) = 0;
  virtual std::vector<ReconcilePage> take_reconciled() = 0;
  virtual void send_reservation(const Reservation& reservation) = 0;
  virtual std::vector<Grant> take_grants() = 0;
  /// Has limits remembered in place of what is, for workers whose endpoint of that name is at the same place;
  /// polls tell. A failure is reported, and nobody waits for it.
  virtual void send_limits(const LimitsRecord& record) = 0;
  /// Connected and able to take statements. Nothing should be sent to a queue that is not ready.
  [[nodiscard]] virtual bool ready() const = 0;
};

/// One provider request. `inputs` are read during start() only.
struct EmbedRequest {
  std::uint64_t id = 0;
  std::string endpoint;
  std::string model;
  int dimensions = 0;  ///< what the answer must have
  bool send_dimensions = false;
  std::vector<std::string_view> inputs;  ///< non-empty UTF-8 texts
};

struct EmbedAnswer {
  Embeddings vectors;          ///< one per input, in input order, checked (G9)
  std::string model;           ///< as the server reports it; the requested name if it reports none
  std::uint64_t tokens = 0;    ///< billed, from `usage`, as far as can be true; 0 if the server does not say
  std::uint64_t claimed = 0;   ///< tokens that the server says it billed, where that cannot be true
  bool packed = false;         ///< its vectors came in base64, not as numbers
  std::size_t body_bytes = 0;  ///< that the answer took in memory as it came, unpacked; 0: there was no body
  bool computed_here = false;  ///< by ourselves: there is no server that can have mixed it up
};

/// What the server said about its limits; absent where it said nothing.
struct RateLimits {
  std::optional<std::int64_t> limit_requests, remaining_requests, limit_tokens, remaining_tokens;
  std::optional<Duration> reset_requests, reset_tokens;
};

struct Reply {
  std::uint64_t id = 0;
  Result<EmbedAnswer> answer;
  RateLimits limits;
  std::string request_id;  ///< by which the provider knows it: short and printable; failed requests only
  Duration took{};
};

/// Limits of an endpoint, from configuration.
struct EndpointLimits {
  std::uint32_t max_in_flight = 32;
  std::uint32_t max_inputs = 2048;             ///< per request
  std::uint32_t max_request_tokens = 300'000;  ///< per request
  std::uint32_t max_input_tokens = 8191;       ///< per input; see LongTexts
  std::int64_t requests_per_minute = 0;        ///< 0: learn from the server's headers
  std::int64_t tokens_per_minute = 0;
  Duration timeout = seconds(60);  ///< least silence after which a request may be given up
};

enum class KeyState {
  present,    ///< or none is needed
  missing,    ///< G8: a state, not an error
  undefined,  ///< no endpoint of that name is configured here
};

/// Where embeddings come from. Errors are every provider kind of ErrorKind; a reply always comes, also after
/// cancel_all(), unless the request is given up. How long to wait for it is the caller's to decide.
class Embedder {
 public:
  virtual ~Embedder() = default;
  virtual void start(const EmbedRequest& request) = 0;
  virtual std::vector<Reply> take_replies() = 0;
  /// Forgets a request in flight: no reply to it will come. The server may go on with it all the same.
  virtual void give_up(std::uint64_t id) = 0;
  /// Gives up on every request in flight; each still gets its reply, `canceled`.
  virtual void cancel_all() = 0;
  /// Re-reads a `*_file` key if it changed. Cheap enough for every poll.
  virtual KeyState key_state(const std::string& endpoint) = 0;
  /// Changes whenever the endpoint's key changes, so that a pause for a bad key or an empty account can end.
  [[nodiscard]] virtual std::uint64_t key_version(const std::string& endpoint) const { return 0; }
  [[nodiscard]] virtual EndpointLimits limits(const std::string& endpoint) const = 0;
  /// Which parameters are not sent for the model, since the endpoint refused them.
  [[nodiscard]] virtual LeftOut left_out(const std::string& endpoint, const std::string& model) const {
    return {};
  }
  virtual void leave_out(const std::string& endpoint, const std::string& model, LeftOut which) {}
};

/// Counts tokens as the model does, or an upper bound.
class Tokenizer {
 public:
  virtual ~Tokenizer() = default;
  [[nodiscard]] virtual std::size_t count(std::string_view text) const = 0;
  /// It counts as the model does.
  [[nodiscard]] virtual bool exact() const { return false; }
  /// Bytes of the longest prefix of `text` that is valid UTF-8, has at most `max_tokens` tokens, and ends
  /// where a token of `text` ends.
  [[nodiscard]] virtual std::size_t prefix_bytes(std::string_view text, std::size_t max_tokens) const = 0;
};

/// The tokenizer of a model; never null, lives as long as the catalog.
class TokenizerCatalog {
 public:
  virtual ~TokenizerCatalog() = default;
  [[nodiscard]] virtual const Tokenizer& tokenizer_for(std::string_view model) const = 0;
};

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant now() const = 0;
};

/// The one place that blocks.
class Io {
 public:
  virtual ~Io() = default;
  /// Returns when something may have finished, at `deadline`, or after wake().
  virtual void wait_until(Instant deadline) = 0;
  /// Thread-safe and async-signal-safe.
  virtual void wake() = 0;
};

/// State of an endpoint's gate, as metrics and status show it.
enum class EndpointState { ready, slowed, paused, no_api_key, unauthenticated, quota_exhausted, undefined };
std::string_view name_of(EndpointState state);

/// Told what happens, for metrics and logs. Must not block.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void claimed(const Vectorizer&, std::size_t jobs, std::size_t rescued) {}
  virtual void request_started(const Vectorizer&, std::size_t inputs, std::size_t tokens) {}
  virtual void request_finished(const Vectorizer&, const Reply&) {}
  /// `jobs` of one settlement ended with `outcome`.
  virtual void settled(const Vectorizer&, const Settlement&, Outcome, std::size_t jobs) {}
  /// A vector was stored `freshness` after its text changed.
  virtual void fresh(const Vectorizer&, Duration freshness) {}
  /// Jobs of a batch were put back without an attempt, or charged one.
  virtual void rescheduled(const Vectorizer&, ErrorKind, std::size_t jobs, bool charged) {}
  virtual void discarded(const Vectorizer&, ErrorKind, const std::string& message) {}
  virtual void truncated(const Vectorizer&, std::size_t tokens) {}
  /// The endpoint bills `tokens` for long texts, however long they are: it cuts them and does not say so.
  /// `most`: what its max_input_tokens should be.
  virtual void cut_silently(const Vectorizer&, std::size_t tokens, std::size_t most) {}
  /// An answer gave so many different texts the vectors of others, bit by bit. If `refused`, nothing of it is
  /// stored, and they are asked for alone; else they are equal alone, too.
  virtual void equal_vectors(const Vectorizer&, std::size_t texts, bool refused) {}
  /// Jobs were given back unbought, since their rows were bought too often of late.
  virtual void braked(const Vectorizer&, std::size_t jobs, const std::string& why) {}
  virtual void unbooked(const Unbooked&) {}
  /// A request was given up after so long without a sign of life; the server may compute its inputs all the
  /// same.
  virtual void abandoned(const Vectorizer&, std::size_t inputs, Duration silence) {}
  /// What an endpoint is found to do: so many requests at a time, so many inputs a second.
  virtual void paced(const std::string& endpoint, std::uint32_t requests, double inputs_per_second) {}
  virtual void endpoint_changed(const std::string& endpoint, EndpointState, const std::string& message,
                                Duration pause) {}
  /// A vectorizer's own configuration is refused, by its endpoint (model, dimensions) or by the database.
  /// Once a row has been stored again: an empty message.
  virtual void vectorizer_paused(const Vectorizer&, const std::string& message, Duration pause) {}
  virtual void polled(const std::vector<VectorizerState>&) {}
  virtual void reconciled(const Vectorizer&, const ReconcilePage::Progress&) {}
  virtual void database_error(std::string_view what, const Error&) {}
  virtual void in_flight(std::size_t requests, std::size_t leases, std::size_t held_bytes) {}
};

}  // namespace embedd
