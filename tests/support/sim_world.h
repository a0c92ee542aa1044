/// The simulated world: workers, one database, one provider, and everything that can happen to them, on one
/// seed.
///
///   World world(seed);
///   world.add_table("notes", 40);
///   world.start_worker();
///   world.at(3s, [&] { world.kill_worker(0); });
///   world.run_for(60s);
///
/// Time moves from event to event; a day takes milliseconds. The same seed gives the same day.
#pragma once

#include <fmt/format.h>

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <queue>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "core/embedder.h"
#include "core/job.h"
#include "core/observer.h"
#include "core/queue.h"
#include "core/worker.h"
#include "support/model_server.h"
#include "support/sim_database.h"

namespace embedd::sim {

/// How the provider answers from now on.
struct ProviderMood {
  std::optional<Error> fault;  ///< every request gets this
  bool bills_lost_answers =
      false;  ///< `fault` comes after the tokens were billed (an answer lost on its way)
  Duration latency = milliseconds(40);
  Duration jitter = milliseconds(40);
  double random_faults = 0;  ///< share of requests that fail as unavailable, before billing
  double slow_answers = 0;   ///< share of requests that take up to a minute
};

/// What the provider's account allows, enforced at arrival: two buckets that refill evenly. A token is a byte
/// here.
struct Meter {
  double requests_per_minute = 0, tokens_per_minute = 0;  ///< 0: no limit
  double burst_seconds = 10;                              ///< size of the buckets
  bool announced = true;                                  ///< in the headers of the answers
  double requests_left = -1, tokens_left = -1;            ///< negative: full
  Instant at{};
  std::uint64_t accepted = 0, refused = 0, tokens = 0;

  /// How long to wait; nothing if the request is accepted.
  std::optional<Duration> arrived(std::size_t request_tokens, Instant now);
  [[nodiscard]] RateLimits headers() const;
};

struct Provider {
  ProviderMood mood;
  std::optional<test::ModelServer> server;  ///< computes at its own pace; latency comes on top
  std::optional<Meter> meter;
  std::map<std::string, Meter> model_meters;  ///< models that have an account of their own
  std::optional<Error> fail_next;             ///< one request gets this
  bool forgets_next = false;                  ///< one request never gets an answer
  std::optional<std::uint64_t> cuts_at;       ///< tokens of a text behind which it says nothing of the rest
  bool mixes_up = false;                      ///< every other input gets the vector of the one before it
  bool bills_tokens = false;                  ///< tokens_of() each text; else one a text
  bool holds = false;                         ///< keeps its answers back for as long as this is set
  KeyState key = KeyState::present;
  std::uint64_t key_version = 1;
  EndpointLimits limits;
  std::optional<std::size_t> takes_inputs;  ///< per request, if that is not what the limits say
  bool blames_inputs = false;               ///< refuses more of them as if one of them were at fault
  std::optional<std::size_t> takes_bytes;   ///< per input; the same
  /// Tokens per input, and the refusal says both numbers; a text has a token for every so many bytes, by its
  /// first letter.
  std::optional<std::size_t> takes_tokens;
  bool names_inputs = false;         ///< the refusal of too many inputs says how many it takes
  std::uint64_t too_long_texts = 0;  ///< requests refused for `takes_tokens`
  std::size_t bytes_per_value = 6;   ///< of an answer's body
  std::size_t answers_bytes = 0;     ///< of the requests in flight
  std::size_t most_answers_bytes = 0;
  std::uint64_t requests = 0;
  std::uint64_t keyless = 0;          ///< requests that went out without a key
  std::uint64_t refused = 0;          ///< requests that met `mood.fault`
  std::uint64_t too_many = 0;         ///< requests with more inputs than it takes
  std::map<std::string, int> billed;  ///< text → how many times its tokens were billed
  std::map<std::string, std::deque<Instant>>
      paid_at;                  ///< text → when it may have been billed, in the last hour
  std::uint64_t computed = 0;   ///< inputs, whether or not somebody waited for them
  std::uint64_t abandoned = 0;  ///< inputs of requests that were given up
  std::size_t requests_in_flight = 0, most_requests_in_flight = 0;
  std::size_t inputs_in_flight = 0, most_inputs_in_flight = 0;

  /// Null: nobody counts.
  Meter* meter_of(const std::string& model) {
    const auto own = model_meters.find(model);
    if (own != model_meters.end()) return &own->second;
    return meter ? &*meter : nullptr;
  }

  static std::size_t tokens_of(const std::string& text) {
    return text.size() / (2 + static_cast<unsigned char>(text.front()) % 3);
  }
  static bool poison(const std::string& text) { return text.starts_with("poison"); }
  /// Whose vector is never a right one.
  static bool garbled(const std::string& text) { return text.starts_with("garbled"); }
  static bool too_long(const std::string& text) { return text.starts_with("long") && text.size() > 200; }
};

/// The text's vector is of all of the text, and not of a part or a mean.
bool travels_whole(const Provider& provider, const Table& table, const std::string& text);

/// One worker process with its connection and its HTTP client.
class Process;

class World {
 public:
  explicit World(std::uint64_t seed);
  ~World();

  Database database;
  Provider provider;        ///< the endpoint "openai"
  Provider other_provider;  ///< the endpoint "other"
  Random random;
  WorkerOptions options;
  std::size_t most_held_bytes = 0, most_leases = 0;
  std::uint64_t charged = 0;                          ///< attempts
  std::uint64_t freshened = 0;                        ///< rows whose freshness was told
  int waits_for_locks = 0, most_waits_for_locks = 0;  ///< claims and pages that ask for locked tables
  bool answers_may_be_lost = false;                   ///< faults happened that excuse paying for a text twice
  std::vector<std::string> violations;                ///< of G2, G7, G12, seen on the way
  Duration slow_polls{}, slow_claims{}, slow_settlements{};  ///< by how much the database's answers are late
  Duration longest_request{}, longest_freshness{};           ///< answered; told
  std::uint64_t rows_asked_for = 0;                          ///< by claims
  std::uint64_t statements = 0;                              ///< that workers sent
  std::map<int, Heartbeat> heartbeats;                       ///< each worker's last
  std::map<std::size_t, int> cuts_found;                     ///< tokens → how many times it was told
  std::uint64_t answers_doubted = 0, answers_believed = 0;   ///< for equal vectors
  std::uint64_t braked = 0;                                  ///< jobs given back unbought
  std::uint64_t most_paid_an_hour = 0;                       ///< for one text of one row
  /// What was bought on a day of a budget, and what is in flight, as the workers count. `highest`: the
  /// budgets that it had before on that day.
  struct Bought {
    Cost billed, in_flight, highest;
  };
  std::map<std::pair<std::string, std::int64_t>, Bought> bought_of;  ///< by budget and day
  bool budgets_are_strict = true;  ///< no clock misleads the workers about the day
  std::uint64_t budget_news = 0;   ///< times that a worker said a budget is spent, or is not
  bool counts_exactly = false;     ///< as the model does, or so the workers' tokenizer says
  bool tells = true;               ///< keeps the story; a day takes twice as long

  // The stage.
  VectorizerId add_table(const std::string& name, int rows);
  /// A vectorizer with a store, and the one of its chunks, whose id follows. A text is cut at each "|".
  VectorizerId add_store(const std::string& name, int rows);
  int start_worker();
  void kill_worker(int worker);
  void drain_worker(int worker);
  void cancel_worker(int worker);
  /// Stops a worker for a while, as SIGSTOP does; or puts its machine to sleep, so that its clock stops, too.
  void freeze_worker(int worker, Duration length, bool clock_stops);
  /// Breaks every connection and ends every statement; the server is back after `outage`.
  void restart_database(Duration outage);
  /// Breaks one worker's connection for a moment. What it had sent may be carried out all the same, and late.
  void cut_connection(int worker);
  /// The database's wall clock, by which leases lapse and jobs come due, jumps.
  void set_database_clock(Duration by);
  [[nodiscard]] std::size_t workers_alive() const;
  [[nodiscard]] bool alive(int worker) const;
  [[nodiscard]] const Worker& worker(int worker) const;

  // Time.
  [[nodiscard]] Instant now() const { return now_; }
  [[nodiscard]] Instant database_now() const { return now_ + database_clock_; }
  void at(Duration since_start, std::function<void()> what);
  void after(Duration delay, std::function<void()> what);
  void run_for(Duration duration);
  /// Runs until `done` or for `at_most`; false if it never was.
  bool run_until(const std::function<bool()>& done, Duration at_most);
  /// The next event; false if none is left.
  bool step();

  /// What is not as promised at the end of the day, when all faults are over (G1, G2, G6); "" if all is well.
  [[nodiscard]] std::string verdict() const;

  [[nodiscard]] std::string table_name(VectorizerId id) const;
  /// A row with this text, as the story names it; "" if there is none.
  [[nodiscard]] std::string row_of(const std::string& text) const;
  /// Something was seen that must never happen; `culprit` is the row at fault, as the story names it.
  void violated(std::string what, std::string culprit = "");
  /// A text may have been paid for: not too often, whatever goes wrong (G12).
  void paid(Provider& to, const std::string& text);
  /// Null if there is no such endpoint.
  Provider* provider_of(const std::string& endpoint);
  /// Changes the pace of a provider that has a server.
  void set_pace(Provider& provider, double texts_per_second);
  void set_budget(VectorizerId id, const Budget& budget);
  void set_budget(Provider& of, const std::string& endpoint, const Budget& budget);
  void request_starts(const std::string& endpoint, const std::string& model,
                      const std::vector<std::string>& texts);
  void request_ends(const std::string& endpoint, const std::string& model,
                    const std::vector<std::string>& texts, Instant started, std::size_t billed);
  /// Has `done` called when the provider's server has computed so many texts.
  void compute(Provider& provider, std::size_t texts, std::function<void()> done);
  void trace(std::string line);
  template <typename... Args>
  void tell(fmt::format_string<Args...> format, Args&&... args) {
    if (tells) trace(fmt::format(format, std::forward<Args>(args)...));
  }
  /// The last `lines` of what happened, and, once verdict() found a row at fault, all that happened to it.
  [[nodiscard]] std::string story(std::size_t lines = 400) const;

 private:
  friend class Process;
  /// Why the row's chunks in the store are not those of its text, all of them, and in order; "" if they are.
  /// Nothing but a swap puts chunks into the store, so a row whose swaps are right never has some of one text
  /// and some of another.
  [[nodiscard]] std::string wrong_chunks(const Table& table, const std::string& key) const;
  [[nodiscard]] std::string verdict_of_store(const Table& table) const;
  struct Event {
    Instant at;
    std::uint64_t order;
    std::function<void()> what;
    bool operator>(const Event& other) const { return std::tie(at, order) > std::tie(other.at, other.order); }
  };
  [[nodiscard]] Cost cost(const std::string& endpoint, const std::string& model, std::size_t tokens) const;
  std::vector<std::pair<std::string, Budget>> budgets_of(const std::string& endpoint,
                                                         const std::string& model);
  void remember_budget(const std::string& name, const Budget& before);
  void schedule(Instant at, std::function<void()> what);
  void await_server(Provider& provider);

  const Instant start_{seconds(1'000'000)};
  Instant now_ = start_;
  Instant database_up_at_ = start_;
  Duration database_clock_{};
  std::uint64_t order_ = 0;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::vector<std::shared_ptr<Process>> processes_;
  /// What waits for a server, by its ticket, and which of the events that look after it still counts.
  struct Computing {
    std::map<test::ModelServer::Ticket, std::function<void()>> waiting;
    std::uint64_t alarm = 0;
  };
  std::map<const Provider*, Computing> computing_;
  std::vector<std::string> story_;
  mutable std::string culprit_;  ///< the row at fault, as the story names it
};

/// A process's queue adapter over the simulated database: latency, lost connections, doubt.
class SimQueue final : public Queue {
 public:
  /// `alive` expires when the process dies; nothing is delivered to the dead.
  SimQueue(World& world, int worker, std::function<void()> wake, std::weak_ptr<int> alive);
  void send_poll(const Heartbeat& heartbeat) override;
  std::optional<Poll> take_poll() override { return std::exchange(poll_, std::nullopt); }
  std::vector<VectorizerId> take_hints() override { return {}; }
  void send_claim(const ClaimRequest& request) override;
  std::vector<Claim> take_claims() override { return std::exchange(claims_, {}); }
  void send_settlement(std::shared_ptr<const Settlement> settlement) override;
  std::vector<Receipt> take_receipts() override { return std::exchange(receipts_, {}); }
  void send_walk(VectorizerId vectorizer, const Key& cursor) override;
  std::vector<WalkPage> take_walked() override { return std::exchange(pages_, {}); }
  void send_reservation(const Reservation& reservation) override;
  std::vector<Reserved> take_reserved() override { return std::exchange(reserved_, {}); }
  void send_budget_request(const BudgetRequest& request) override;
  std::vector<BudgetAnswer> take_budget_answers() override { return std::exchange(budget_answers_, {}); }
  void send_limits(const LimitsRecord& record) override;
  [[nodiscard]] bool ready() const override { return connected_; }

  /// The connection breaks; what was sent is in doubt. If the server lives on, it may still be carried out.
  void cut(Instant back_at, bool server_died);

 private:
  /// Runs `statement` in the database after half a round trip and delivers its result after the other half,
  /// or calls `lost` at the moment when the connection breaks; then the statement may have been carried out
  /// before, or not at all, or it is carried out later, when the worker has already asked again. The result
  /// comes `late` beyond that.
  template <typename Answer>
  void run(std::function<Answer()> statement, std::function<void(Answer)> deliver,
           std::function<void(Error)> lost, Duration late = {});

  /// As the last poll told it. A vectorizer that no poll told of has no statements.
  std::optional<std::string> destination(VectorizerId id) {
    const auto known = known_.find(id);
    if (known != known_.end()) return known->second;
    wake_();
    return std::nullopt;
  }
  /// Counts who waits for a locked table; the result says that it waits no longer.
  std::function<void()> wait_for_lock(VectorizerId table);

  World& world_;
  int worker_;
  std::function<void()> wake_;
  std::weak_ptr<int> alive_;
  bool connected_ = true;
  bool server_died_ = false;
  std::uint64_t connection_ = 1;
  std::uint64_t next_statement_ = 1;
  std::map<std::uint64_t, std::function<void(Error)>> outstanding_;  ///< whom to tell of a loss
  std::optional<Poll> poll_;
  std::map<VectorizerId, std::string> known_;  ///< as of the last poll: the vectorizers' destinations
  std::vector<Claim> claims_;
  std::vector<Receipt> receipts_;
  std::vector<WalkPage> pages_;
  std::vector<Reserved> reserved_;
  std::vector<BudgetAnswer> budget_answers_;
};

/// A process's HTTP client towards the simulated provider.
class SimEmbedder final : public Embedder {
 public:
  SimEmbedder(World& world, std::function<void()> wake, std::weak_ptr<int> alive);
  void start(const EmbedRequest& request) override;
  std::vector<Reply> take_replies() override { return std::exchange(replies_, {}); }
  void give_up(std::uint64_t id) override;
  void cancel_all() override;
  KeyState key_state(const std::string& endpoint) override;
  [[nodiscard]] std::uint64_t key_version(const std::string& endpoint) const override;
  [[nodiscard]] EndpointLimits limits(const std::string& endpoint) const override;

 private:
  struct Served {
    std::uint64_t id;
    std::string endpoint, model;
    std::vector<std::string> inputs;
    int dimensions;
    std::uint64_t key_version;
    Instant started;
    std::size_t tokens = 0;                 ///< by the meter, if there is one
    std::size_t body_bytes = 0;             ///< of the answer
    std::optional<Duration> retry_after{};  ///< the meter refused it
  };
  /// What this client knows of an endpoint.
  struct Known {
    std::uint64_t key_version = 0;  ///< of the key in use
    Instant silent_until{};         ///< the server asked for silence until then (G7) …
    std::uint64_t silent_key = 0;   ///< … of whoever has this key
  };
  /// No longer in flight; false if it was canceled or given up.
  bool end(std::uint64_t id);
  /// That the server bills.
  [[nodiscard]] std::size_t tokens_of(const Served& served) const;
  void deliver_after(Duration latency, std::shared_ptr<const Served> served);
  Result<EmbedAnswer> answer(const Served& served);

  World& world_;
  std::function<void()> wake_;
  std::weak_ptr<int> alive_;
  std::map<std::uint64_t, std::shared_ptr<const Served>> in_flight_;
  std::vector<Reply> replies_;
  std::map<std::string, Known> known_;
  bool unbilled_ = false;  ///< the request that ends costs nothing
};

/// Writes the worker's doings into the world's story.
class Tracing final : public PartialObserver {
 public:
  Tracing(World& world, int worker) : world_(world), worker_(worker) {}
  void discarded(const Vectorizer&, ErrorKind, const std::string&) override;
  void endpoint_changed(const std::string&, EndpointState, const std::string&, Duration) override;
  void vectorizer_resting(const Vectorizer&, const std::string&, Duration) override;
  void database_error(std::string_view, const Error&) override;
  void claimed(const Vectorizer&, std::size_t, std::size_t) override;
  void request_finished(const Vectorizer&, const Reply&) override;
  void abandoned(const Vectorizer&, std::size_t, Duration) override;
  void fresh(const Vectorizer&, Duration freshness) override {
    ++world_.freshened;
    world_.longest_freshness = std::max(world_.longest_freshness, freshness);
  }
  void braked(const Vectorizer&, std::size_t jobs, const std::string& why) override;
  void budget_changed(const BudgetNews& news) override;
  void cut_silently(const Vectorizer&, std::size_t tokens, std::size_t) override {
    ++world_.cuts_found[tokens];
  }
  void equal_vectors(const Vectorizer&, std::size_t texts, bool refused) override {
    ++(refused ? world_.answers_doubted : world_.answers_believed);
    world_.tell("worker {} {} texts with equal vectors are {}", worker_, texts,
                refused ? "refused" : "believed");
  }
  void in_flight(std::size_t, std::size_t, std::size_t held_bytes) override;

 private:
  World& world_;
  int worker_;
};

}  // namespace embedd::sim
