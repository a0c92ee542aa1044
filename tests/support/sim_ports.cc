#include <fmt/format.h>

#include <algorithm>

#include "support/sim_world.h"

namespace embedd::sim {

namespace {

std::string_view name_of_task(Task task) {
  constexpr std::string_view kNames[] = {"embed",   "clear", "drop as current", "store what was kept",
                                         "discard", "cut",   "wait for"};
  return kNames[static_cast<std::size_t>(task)];
}

std::string_view name_of_outcome(Outcome outcome) {
  constexpr std::string_view kNames[] = {"done", "kept", "busy", "gone", "stale"};
  return kNames[static_cast<std::size_t>(outcome)];
}

std::string_view name_of_action(Action action) {
  constexpr std::string_view kNames[] = {"complete",   "keep",    "clear",  "drop",
                                         "reschedule", "discard", "extend", "stage"};
  return kNames[static_cast<std::size_t>(action)];
}

/// One line per row: a story is read row by row.
void tell_of(World& world, int worker, const Settlement& settlement, const Receipt& receipt) {
  const std::string table = world.table_name(settlement.vectorizer);
  const std::string_view action = name_of_action(settlement.action);
  for (std::size_t i = 0; i < settlement.jobs.size(); ++i)
    world.tell("database: worker {} {} {} {}: {}", worker, action, table, settlement.jobs[i].key,
               receipt.outcomes ? name_of_outcome((*receipt.outcomes)[i]) : receipt.outcomes.error().message);
}

}  // namespace

// ── Queue
// ───────────────────────────────────────────────────────────────────────────────────────────────────────

SimQueue::SimQueue(World& world, int worker, std::function<void()> wake, std::weak_ptr<int> alive)
    : world_(world), worker_(worker), wake_(std::move(wake)), alive_(std::move(alive)) {}

template <typename Answer>
void SimQueue::run(std::function<Answer()> statement, std::function<void(Answer)> deliver,
                   std::function<void(Error)> lost, Duration late) {
  if (!connected_) {
    lost({ErrorKind::unavailable, "not connected"});
    return wake_();
  }
  const std::uint64_t id = next_statement_++;
  ++world_.statements;
  outstanding_.emplace(id, std::move(lost));
  const auto life = alive_;
  World& world = world_;
  const Duration half = milliseconds(1) + Duration(static_cast<std::int64_t>(world.random.below(1'000'000)));
  world.after(half, [=, this, &world] {
    if (!life.lock() || !outstanding_.contains(id)) {
      // Its client has vanished: it never arrived, or it runs now, or it runs later, held up by something.
      const auto fate = world.random.below(4);
      if (fate < 2 || (life.lock() && server_died_)) return;
      const Duration held_up = fate == 2 ? Duration{} : milliseconds(world.random.below(5000));
      return world.after(held_up, [statement] { (void)statement(); });
    }
    auto result = std::make_shared<Answer>(statement());
    world.after(half + late, [=, this] {
      if (!life.lock() || outstanding_.erase(id) == 0) return;
      deliver(std::move(*result));
      wake_();
    });
  });
}

void SimQueue::cut(Instant back_at, bool server_died) {
  connected_ = false;
  server_died_ = server_died;
  const std::uint64_t connection = ++connection_;
  for (auto& [id, lost] : std::exchange(outstanding_, {}))
    lost({ErrorKind::in_doubt, "connection lost after sending"});
  wake_();
  const auto life = alive_;
  world_.after(back_at - world_.now(), [=, this] {
    if (!life.lock() || connection != connection_) return;
    connected_ = true;
    wake_();
  });
}

void SimQueue::send_poll(const Heartbeat& heartbeat) {
  world_.heartbeats[worker_] = heartbeat;
  using Polled = std::pair<std::vector<VectorizerState>, std::map<VectorizerId, std::string>>;
  run<Polled>(
      [&world = world_] {
        return Polled(world.database.poll(world.database_now()), world.database.destinations());
      },
      [this](Polled polled) { std::tie(poll_, known_) = std::move(polled); },
      [this](Error error) { poll_ = std::unexpected(std::move(error)); }, world_.slow_polls);
}

std::function<void()> SimQueue::wait_for_lock(VectorizerId id) {
  const auto table = world_.database.tables.find(id);
  if (table == world_.database.tables.end() || !table->second.locked) return [] {};
  world_.most_waits_for_locks = std::max(world_.most_waits_for_locks, ++world_.waits_for_locks);
  return [&world = world_] { --world.waits_for_locks; };
}

void SimQueue::send_claim(const ClaimRequest& request) {
  const auto called = destination(request.vectorizer);
  if (!called) return claims_.push_back({.request = request, .jobs = no_such_table()});
  const auto waited = wait_for_lock(request.vectorizer);
  world_.rows_asked_for += request.max_rows;
  run<Claim>(
      [&world = world_, worker = worker_, request, called = *called] {
        Claim claim = world.database.claim(request, called, world.database_now());
        if (world.tells && claim.jobs)
          for (const Job& job : *claim.jobs)
            world.tell("database: worker {} claims {} {} to {}", worker, world.table_name(request.vectorizer),
                       job.key, name_of_task(job.task));
        return claim;
      },
      [this, waited](Claim claim) {
        waited();
        claims_.push_back(std::move(claim));
      },
      [this, waited, request](Error error) {
        waited();
        claims_.push_back({.request = request, .jobs = std::unexpected(std::move(error))});
      },
      world_.slow_claims);
}

void SimQueue::send_settlement(std::shared_ptr<const Settlement> settlement) {
  const auto called = destination(settlement->vectorizer);
  if (!called) return receipts_.push_back({settlement->id, no_such_table()});
  run<Receipt>(
      // As it is sent: the worker may change it once it has its receipt, and a statement may run later still.
      [&world = world_, worker = worker_, settlement = *settlement, called = *called] {
        Receipt receipt = world.database.settle(settlement, called, world.database_now());
        if (world.tells) tell_of(world, worker, settlement, receipt);
        return receipt;
      },
      [this](Receipt receipt) { receipts_.push_back(std::move(receipt)); },
      [this, id = settlement->id](Error error) {
        receipts_.push_back({id, std::unexpected(std::move(error))});
      },
      world_.slow_settlements);
}

void SimQueue::send_walk(VectorizerId vectorizer, const Key& cursor) {
  const auto called = destination(vectorizer);
  if (!called) return pages_.push_back({vectorizer, no_such_table()});
  const auto waited = wait_for_lock(vectorizer);
  run<WalkPage>(
      [&world = world_, vectorizer, cursor, worker = worker_, called = *called] {
        return world.database.walk(vectorizer, cursor, worker, called, world.database_now());
      },
      [this, waited](WalkPage page) {
        waited();
        pages_.push_back(std::move(page));
      },
      [this, waited, vectorizer](Error error) {
        waited();
        pages_.push_back({vectorizer, std::unexpected(std::move(error))});
      },
      world_.database.page_takes);
}

void SimQueue::send_reservation(const Reservation& reservation) {
  run<Duration>(
      [&world = world_, reservation] { return world.database.reserve(reservation, world.database_now()); },
      [this, reservation](Duration wait) { reserved_.push_back({reservation, wait}); },
      [this, reservation](Error error) {
        reserved_.push_back({reservation, std::unexpected(std::move(error))});
      });
}

void SimQueue::send_budget_request(const BudgetRequest& request) {
  run<BudgetAnswer::Part>(
      [&world = world_, request] { return world.database.spend(request, world.database_now()); },
      [this, request](BudgetAnswer::Part part) { budget_answers_.push_back({request, part}); },
      [this, request](Error error) {
        budget_answers_.push_back({request, std::unexpected(std::move(error))});
      });
}

void SimQueue::send_limits(const LimitsRecord& record) {
  run<bool>(
      [&world = world_, record] {
        world.database.remember(record, world.database_now());
        return true;
      },
      [](bool) {}, [](const Error&) {});
}

// ── Provider
// ────────────────────────────────────────────────────────────────────────────────────────────────────

SimEmbedder::SimEmbedder(World& world, std::function<void()> wake, std::weak_ptr<int> alive)
    : world_(world), wake_(std::move(wake)), alive_(std::move(alive)) {}

/// As the real one: the key is read again here, and only here.
KeyState SimEmbedder::key_state(const std::string& endpoint) {
  const Provider* provider = world_.provider_of(endpoint);
  if (provider == nullptr) return KeyState::undefined;
  known_[endpoint].key_version = provider->key_version;
  return provider->key;
}
std::uint64_t SimEmbedder::key_version(const std::string& endpoint) const {
  const auto found = known_.find(endpoint);
  return found == known_.end() ? 0 : found->second.key_version;
}
EndpointLimits SimEmbedder::limits(const std::string& endpoint) const {
  const Provider* provider = world_.provider_of(endpoint);
  return provider == nullptr ? EndpointLimits{} : provider->limits;
}

void SimEmbedder::start(const EmbedRequest& request) {
  Provider* provider = world_.provider_of(request.endpoint);
  if (provider == nullptr || provider->key != KeyState::present) {
    const ErrorKind kind = provider == nullptr ? ErrorKind::misconfigured : ErrorKind::unauthenticated;
    if (provider != nullptr) ++provider->keyless;
    replies_.push_back({.id = request.id, .answer = fail(kind, "no such endpoint, or no key")});
    return wake_();
  }
  // A new key is a new account: what the old one was told does not bind it.
  const Known& known = known_[request.endpoint];
  if (world_.now() < known.silent_until && known.silent_key == known.key_version)
    world_.violated("G7: a request before the server's retry time");
  const ProviderMood& mood = provider->mood;
  auto extra = static_cast<std::int64_t>(world_.random.unit() * static_cast<double>(mood.jitter.count()));
  if (mood.slow_answers > 0 && world_.random.unit() < mood.slow_answers)
    extra += Duration(milliseconds(world_.random.below(58'000))).count();
  ++provider->requests;
  Served served{.id = request.id,
                .endpoint = request.endpoint,
                .model = request.model,
                .inputs = {request.inputs.begin(), request.inputs.end()},
                .dimensions = request.dimensions,
                .key_version = known.key_version,
                .started = world_.now(),
                .body_bytes = request.inputs.size() * static_cast<std::size_t>(request.dimensions) *
                              provider->bytes_per_value};
  if (Meter* const meter = provider->meter_of(request.model)) {
    for (const std::string_view text : request.inputs) served.tokens += text.size();
    served.retry_after = meter->arrived(served.tokens, world_.now());
  }
  provider->answers_bytes += served.body_bytes;
  provider->most_answers_bytes = std::max(provider->most_answers_bytes, provider->answers_bytes);
  world_.request_starts(served.endpoint, served.model, served.inputs);
  const auto shared = std::make_shared<const Served>(std::move(served));
  in_flight_.emplace(request.id, shared);
  provider->most_requests_in_flight =
      std::max(provider->most_requests_in_flight, ++provider->requests_in_flight);
  provider->inputs_in_flight += shared->inputs.size();
  provider->most_inputs_in_flight = std::max(provider->most_inputs_in_flight, provider->inputs_in_flight);
  if (std::exchange(provider->forgets_next, false)) return;
  const Duration latency = mood.latency + Duration(extra);
  if (!provider->server) return deliver_after(latency, shared);
  // Its client may be gone by then; the server does not look.
  world_.compute(*provider, shared->inputs.size(), [=, this] {
    provider->computed += shared->inputs.size();
    deliver_after(latency, shared);
  });
}

std::size_t SimEmbedder::tokens_of(const Served& served) const {
  if (served.tokens > 0) return served.tokens;
  if (!world_.provider_of(served.endpoint)->bills_tokens) return served.inputs.size();
  std::size_t tokens = 0;
  for (const std::string& text : served.inputs) tokens += std::max<std::size_t>(Provider::tokens_of(text), 1);
  return tokens;
}

bool SimEmbedder::end(std::uint64_t id) {
  const auto node = in_flight_.extract(id);
  if (node.empty()) return false;
  Provider& provider = *world_.provider_of(node.mapped()->endpoint);
  provider.answers_bytes -= node.mapped()->body_bytes;
  provider.inputs_in_flight -= node.mapped()->inputs.size();
  --provider.requests_in_flight;
  // Unless its answer says otherwise, the server has computed it.
  const Served& served = *node.mapped();
  world_.request_ends(served.endpoint, served.model, served.inputs, served.started,
                      unbilled_ ? 0 : tokens_of(served));
  return true;
}

void SimEmbedder::deliver_after(Duration latency, std::shared_ptr<const Served> served) {
  const auto life = alive_;
  World& world = world_;
  world_.after(latency, [=, this, &world] {
    Provider& provider = *world.provider_of(served->endpoint);
    if (!life.lock()) {  // the process is gone, but its request was served and billed
      for (const std::string& text : served->inputs) {
        ++provider.billed[text];
        world.paid(provider, text);
      }
      end(served->id);
      return;
    }
    if (provider.holds) return deliver_after(milliseconds(1), served);
    if (!in_flight_.contains(served->id)) return;  // canceled, or given up
    Reply reply{.id = served->id, .answer = answer(*served), .took = world.now() - served->started};
    unbilled_ = !reply.answer && !reply.answer.error().billed;
    end(served->id);
    unbilled_ = false;
    if (const Meter* const meter = provider.meter_of(served->model)) reply.limits = meter->headers();
    replies_.push_back(std::move(reply));
    wake_();
  });
}

void SimEmbedder::give_up(std::uint64_t id) {
  const auto found = in_flight_.find(id);
  if (found == in_flight_.end()) return;
  world_.provider_of(found->second->endpoint)->abandoned += found->second->inputs.size();
  end(id);
}

void SimEmbedder::cancel_all() {
  while (!in_flight_.empty()) {
    const std::uint64_t id = in_flight_.begin()->first;
    end(id);
    replies_.push_back({.id = id,
                        .answer = std::unexpected(
                            Error{.kind = ErrorKind::canceled, .message = "canceled", .billed = true})});
  }
  wake_();
}

Result<EmbedAnswer> SimEmbedder::answer(const Served& served) {
  Provider& provider = *world_.provider_of(served.endpoint);
  const std::vector<std::string>& inputs = served.inputs;
  if (served.retry_after) return std::unexpected(Error{ErrorKind::rate_limited, "429", *served.retry_after});
  if (provider.fail_next) return std::unexpected(*std::exchange(provider.fail_next, std::nullopt));
  if (provider.mood.fault) {
    ++provider.refused;
    if (provider.mood.bills_lost_answers)
      for (const std::string& text : inputs) {
        ++provider.billed[text];
        world_.paid(provider, text);
      }
    if (provider.mood.fault->retry_after) {
      Known& known = known_[served.endpoint];
      if (known.silent_key != served.key_version) known.silent_until = Instant{};
      known.silent_key = served.key_version;
      known.silent_until = std::max(known.silent_until, world_.now() + *provider.mood.fault->retry_after);
    }
    Error fault = *provider.mood.fault;
    fault.billed = fault.billed || provider.mood.bills_lost_answers;
    return std::unexpected(std::move(fault));
  }
  if (world_.random.unit() < provider.mood.random_faults) return fail(ErrorKind::unavailable, "503");
  const auto too_long = [&](const std::string& text) {
    return Provider::too_long(text) || text.size() > provider.takes_bytes.value_or(text.size());
  };
  if (inputs.size() > provider.takes_inputs.value_or(provider.limits.max_inputs)) {
    ++provider.too_many;
    Error error{provider.blames_inputs ? ErrorKind::rejected : ErrorKind::too_large, "too many"};
    if (provider.names_inputs)
      error.limits.inputs = provider.takes_inputs.value_or(provider.limits.max_inputs);
    return std::unexpected(std::move(error));
  }
  if (provider.takes_tokens)
    for (const std::string& text : inputs) {
      const std::size_t tokens = Provider::tokens_of(text);
      if (tokens <= *provider.takes_tokens) continue;
      ++provider.too_long_texts;
      Error error{ErrorKind::too_large, "too long"};
      error.limits = {.text_tokens = *provider.takes_tokens, .found_tokens = tokens};
      return std::unexpected(std::move(error));
    }
  if (std::ranges::any_of(inputs, too_long)) return fail(ErrorKind::too_large, "too large");
  if (std::any_of(inputs.begin(), inputs.end(), Provider::poison))
    return fail(ErrorKind::rejected, "this input is refused");
  if (std::any_of(inputs.begin(), inputs.end(), Provider::garbled)) {
    for (const std::string& text : inputs) world_.paid(provider, text);
    return std::unexpected(
        Error{.kind = ErrorKind::invalid_answer, .message = "a vector of zeros", .billed = true});
  }
  EmbedAnswer answer{.model = "sim", .tokens = tokens_of(served), .body_bytes = served.body_bytes};
  if (provider.cuts_at) {
    answer.tokens = 0;
    for (const std::string& text : inputs) answer.tokens += std::min(text.size() / 4 + 2, *provider.cuts_at);
  }
  answer.vectors.dimensions = static_cast<std::uint32_t>(served.dimensions);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const std::string& text = inputs[i];
    world_.paid(provider, text);
    // Whoever pays again for a text needs an excuse.
    const bool again = text != kCanary && ++provider.billed[text] > 1;
    if (again && !world_.answers_may_be_lost)
      world_.violated(fmt::format("G12: '{}' was paid for {} times", text, provider.billed[text]),
                      world_.row_of(text));
    const std::vector<float> vector = vector_of(inputs[provider.mixes_up ? i - i % 2 : i]);
    answer.vectors.values.insert(answer.vectors.values.end(), vector.begin(), vector.end());
  }
  return answer;
}

// ── Trace
// ───────────────────────────────────────────────────────────────────────────────────────────────────────

void Tracing::discarded(const Vectorizer& vectorizer, ErrorKind, const std::string& message) {
  world_.tell("worker {} {} discards: {}", worker_, vectorizer.name, message);
}
void Tracing::endpoint_changed(const std::string& endpoint, EndpointState state, const std::string&,
                               Duration pause) {
  world_.tell("worker {} {} is {} for {:.1f} s", worker_, endpoint, name_of(state), to_seconds(pause));
}
void Tracing::vectorizer_resting(const Vectorizer& vectorizer, const std::string& message, Duration pause) {
  if (message.empty()) return world_.tell("worker {} {} resumes", worker_, vectorizer.name);
  world_.tell("worker {} {} rests {:.1f} s: {}", worker_, vectorizer.name, to_seconds(pause), message);
}
void Tracing::database_error(std::string_view what, const Error& error) {
  world_.tell("worker {} {}: {}", worker_, what, error.message);
}
void Tracing::claimed(const Vectorizer& vectorizer, std::size_t jobs, std::size_t rescued) {
  world_.tell("worker {} claims {} of {} ({} rescued)", worker_, jobs, vectorizer.name, rescued);
}
void Tracing::request_finished(const Vectorizer&, const Reply& reply) {
  const bool wish = !reply.answer && reply.answer.error().retry_after;
  world_.tell(
      "worker {} reply {}: {}{}", worker_, reply.id, reply.answer ? "ok" : name_of(reply.answer.error().kind),
      wish ? fmt::format(", retry after {:.3f} s", to_seconds(*reply.answer.error().retry_after)) : "");
  if (reply.answer) world_.longest_request = std::max(world_.longest_request, reply.took);
}
void Tracing::abandoned(const Vectorizer&, std::size_t inputs, Duration silence) {
  world_.tell("worker {} gives up {} inputs after {:.0f} s of silence", worker_, inputs, to_seconds(silence));
}
void Tracing::braked(const Vectorizer& vectorizer, std::size_t jobs, const std::string& why) {
  world_.braked += jobs;
  world_.tell("worker {} gives back {} of {}: {}", worker_, jobs, vectorizer.name, why);
}
void Tracing::in_flight(std::size_t, std::size_t leases, std::size_t held_bytes) {
  world_.most_leases = std::max(world_.most_leases, leases);
  world_.most_held_bytes = std::max(world_.most_held_bytes, held_bytes);
}

}  // namespace embedd::sim
