#include "queue/pg_queue.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "core/spending_brake.h"
#include "queue/messages.h"

namespace embedd::queue {
namespace {

/// Users may wait as long as a settling statement runs. A statement runs this long only if the table has
/// suddenly become much slower (queue/write_pace.h).
constexpr Duration kLongestSettling = seconds(10);
/// A row of a store whose chunks take longer goes over a connection of its own.
constexpr Duration kLongestSwap = minutes(30);
constexpr Duration kLastWords = seconds(3);

pg::PipelineOptions pipeline_options(const PgQueueOptions& options, bool listen, pg::Planning planning) {
  return {.conninfo = options.database,
          .conninfo_now = options.database_now,
          .application_name = "embedd worker",
          .channel = listen ? "embedd" : "",
          .command_timeout = options.command_timeout,
          .statement_timeout = planning == pg::Planning::generic ? kLongestSettling : options.command_timeout,
          .planning = planning,
          // Others may create functions in a schema on the role's path, and an exact match there would win.
          // Statements that write to users' tables keep the path, because users' triggers may need it.
          .search_path = planning == pg::Planning::custom ? "pg_catalog, pg_temp" : "",
          // To a role that may not see a row, the row looks deleted. So claims and walks fail instead.
          .sees_every_row = planning == pg::Planning::custom,
          .settles = planning == pg::Planning::generic,
          .keep_messages = options.keep_messages};
}

std::uint64_t seed_of(const LeaseToken& worker) {
  std::uint64_t seed = 0;
  std::memcpy(&seed, worker.data(), sizeof seed);
  return seed;
}

}  // namespace

Error PgQueue::unknown(VectorizerId vectorizer) {
  return {ErrorKind::misconfigured, fmt::format("vectorizer {} is not there", vectorizer)};
}

PgQueue::Session& PgQueue::long_swaps() {
  if (!long_swaps_) {
    pg::PipelineOptions options = pipeline_options(options_, false, pg::Planning::generic);
    options.statement_timeout = kLongestSwap;
    options.command_timeout = kLongestSwap + minutes(10);
    long_swaps_.emplace("long swaps", std::move(options), clock_, wake_);
    long_swaps_since_ = clock_.now();
    long_swaps_->problem = long_swaps_->pipeline.last_error().message;
  }
  return *long_swaps_;
}

void PgQueue::Session::send(const pg::Statement& statement, const pg::Params& params, Handler handler) {
  const pg::CommandId id = pipeline.send(statement, params);
  handlers.emplace(id, std::move(handler));
}

void PgQueue::Session::pump() {
  for (pg::Answer& answer : pipeline.take()) {
    auto handler = handlers.extract(answer.id);
    CHECK(!handler.empty(), "an answer to command {}", answer.id);
    handler.mapped()(answer.rows);
  }
  if (pipeline.ready() == was_ready && (was_ready || pipeline.last_error().message == problem)) return;
  was_ready = pipeline.ready();
  problem = pipeline.last_error().message;
  if (was_ready)
    log::info("database_connected", {{"connection", name}, {"pooled", pipeline.pooled()}});
  else
    log::warn("database_unavailable", {{"connection", name}, {"reason", problem}});
}

PgQueue::PgQueue(PgQueueOptions options, const Clock& clock, std::function<void()> wake)
    : options_(std::move(options)),
      clock_(clock),
      wake_(std::move(wake)),
      claims_("claims", pipeline_options(options_, options_.listen.empty(), pg::Planning::custom), clock,
              wake_),
      settlements_("settlements", pipeline_options(options_, false, pg::Planning::generic), clock, wake_),
      heads_(options_.slow_reading),
      usage_(seed_of(options_.worker)) {
  claims_.problem = settlements_.problem = claims_.pipeline.last_error().message;
  if (options_.listen.empty()) return;
  pg::PipelineOptions listen = pipeline_options(options_, true, pg::Planning::custom);
  listen.conninfo = options_.listen;
  listen.conninfo_now = options_.listen_now;
  listener_.emplace("notifications", std::move(listen), clock, wake_);
  listener_->problem = listener_->pipeline.last_error().message;
}

PgQueue::~PgQueue() {
  parts_.clear();  // nobody would take their receipts
  closing_ = true;
  const Instant deadline = clock_.now() + kLastWords;
  if (claims_.pipeline.ready()) {
    if (const auto rows = history_.rest(); !rows.empty())
      claims_.send(history_statement(), history_params(rows), [](const auto&) {});
    claims_.send(goodbye_statement(), pg::Params().uuid(options_.worker), [](const auto&) {});
  }
  usage_.hurry(clock_.now());
  for (;;) {
    claims_.pump();
    pump_settlements();
    const Instant now = clock_.now();
    const bool usage_left = settlements_.pipeline.ready() && usage_.due_before(deadline);
    if ((claims_.handlers.empty() && !usage_left) || now >= deadline) break;
    const Instant until = std::min(deadline, std::max(usage_.next_at().value_or(deadline), now));
    std::vector<Interest> interests;
    add_interests(interests);
    std::vector<pollfd> fds;
    for (const Interest& interest : interests)
      fds.push_back({interest.fd, static_cast<short>(POLLIN | (interest.write ? POLLOUT : 0)), 0});
    ::poll(fds.data(), fds.size(), static_cast<int>(std::chrono::ceil<milliseconds>(until - now).count()));
  }
  usage_.give_up();
  for (const Unbooked& unbooked : usage_.take_unbooked())
    if (unbooked.lost)
      log::warn("usage_lost", {{"vectorizer_id", unbooked.vectorizer},
                               {"model", unbooked.model},
                               {"requests", unbooked.requests},
                               {"rows", unbooked.rows},
                               {"tokens", unbooked.tokens},
                               {"reason", unbooked.error.message}});
}

std::shared_ptr<const PgQueue::Known> PgQueue::find(VectorizerId vectorizer) const {
  const auto found = known_.find(vectorizer);
  return found == known_.end() ? nullptr : found->second;
}

void PgQueue::send(Session& session, const std::shared_ptr<const Known>& known, bool texts, Pick statement,
                   std::function<pg::Params()> params, Handler handler) {
  const pg::Statement& plain = statement(known->sql);
  const pg::Params first = params();
  if (!texts && !known->definition.filter_sql) return session.send(plain, first, std::move(handler));
  session.send(plain, first,
               [this, &session, known, statement = std::move(statement), params = std::move(params),
                handler = std::move(handler)](const Result<pg::BinaryRows>& rows) mutable {
                 if (rows || rows.error().kind != ErrorKind::rejected || closing_) return handler(rows);
                 session.send(statement(known->guarded()), params(), std::move(handler));
               });
}

// ── Poll

void PgQueue::send_poll(const Heartbeat& heartbeat) {
  pg::Params params;
  params.uuid(options_.worker)
      .text(storable(options_.hostname, claims_.pipeline.encoding()))
      .integer(options_.pid)
      .text(options_.version)
      .integer(static_cast<std::int64_t>(heartbeat.rows_embedded))
      .integer(heartbeat.requests_in_flight)
      .integer(heartbeat.leases)
      .flag(heartbeat.draining)
      .real(to_seconds(options_.walk_every))
      .text(storable(problems_json(with_own_problems(heartbeat.problems)), claims_.pipeline.encoding()))
      .real(to_seconds(options_.make_up_after));
  const auto read_from =
      options_.thorough_polls ? std::map<VectorizerId, QueueHead>() : heads_.for_poll(clock_.now());
  add_heads(params, read_from);
  add_addresses(params, options_.addresses, claims_.pipeline.encoding());
  params.text(storable(endpoints_json(heartbeat.endpoints), claims_.pipeline.encoding()));
  if (plans_used_ && settlements_.pipeline.ready() && !settlements_.pipeline.pooled()) {
    plans_used_ = false;
    settlements_.send(discard_plans_statement(), {}, [](const Result<pg::BinaryRows>&) {});
  }
  claims_.send(
      poll_statement(polls_guarded_), params, [this, params, read_from](const Result<pg::BinaryRows>& rows) {
        if (rows || rows.error().kind != ErrorKind::rejected || polls_guarded_ || closing_)
          return on_poll(read_from, rows);
        // The names of one vectorizer may be the cause, and would fail the next poll, too.
        polls_guarded_ = true;
        claims_.send(poll_statement(true), params,
                     [this, read_from](const Result<pg::BinaryRows>& again) { on_poll(read_from, again); });
      });
}

/// The worker does not know unusable vectorizers, so the queue adds their problems.
std::vector<Problem> PgQueue::with_own_problems(std::vector<Problem> problems) const {
  for (const auto& [id, reason] : problems_)
    problems.push_back({.vectorizer = id, .state = "unusable", .message = reason});
  return problems;
}

void PgQueue::on_poll(const std::map<VectorizerId, QueueHead>& read_from,
                      const Result<pg::BinaryRows>& rows) {
  if (!rows) {
    polled_ = std::unexpected(rows.error());
    return;
  }
  polled_.emplace();
  std::map<VectorizerId, std::shared_ptr<const Known>> known;
  std::map<VectorizerId, std::string> problems;
  const auto report = [&](int row, const std::string& reason) {
    const VectorizerId id = rows->integer(row, 0);
    problems[id] = reason;
    if (problems_[id] != reason)
      log::warn("vectorizer_unusable", {{"vectorizer", rows->bytes(row, 1)}, {"reason", reason}});
  };
  for (int i = 0; i < rows->size(); ++i) {
    auto definition = read_definition(*rows, i);
    if (!definition) {
      report(i, definition.error().message);
      VectorizerState state = read_state(*rows, i);
      state.vectorizer.id = rows->integer(i, 0);
      state.vectorizer.name = rows->bytes(i, 1);
      state.problem = definition.error().message;
      (*polled_)->push_back(std::move(state));
      continue;
    }
    definition->encoding = claims_.pipeline.encoding();
    const VectorizerId id = definition->vectorizer.id;
    const auto before = find(id);
    if (before && before->definition == *definition)
      known[id] = before;
    else
      known[id] = std::make_shared<const Known>(std::move(*definition));
    VectorizerState state = read_state(*rows, i);
    state.vectorizer = known[id]->definition.vectorizer;
    if (const auto read = read_head(*rows, i)) {
      const auto from = read_from.find(id);
      if (from == read_from.end())
        heads_.read_all(id, read->head, read->took);
      else
        heads_.read(id, from->second, read->head);
    }
    if (const auto problem = read_problem(*rows, i)) {
      report(i, *problem);
      state.waiting = true;  // as far as is known
      state.vectorizer.stopped = true;
    }
    (*polled_)->push_back(std::move(state));
  }
  known_ = std::move(known);
  problems_ = std::move(problems);
  heads_.polled(clock_.now(), [this](VectorizerId id) { return known_.contains(id); });
  std::erase_if(walks_, [this](const auto& walk) { return !known_.contains(walk.first); });
  std::erase_if(writing_, [this](const auto& writing) { return !known_.contains(writing.first); });
  record_history();
}

void PgQueue::record_history() {
  history_.polled(**polled_);
  const auto rows = history_.next(clock_.now());
  if (!rows || closing_) return;
  claims_.send(history_statement(), history_params(*rows), [this](const Result<pg::BinaryRows>& recorded) {
    const std::string problem = recorded ? "" : recorded.error().message;
    if (!problem.empty() && problem != history_problem_)
      log::warn("history_not_recorded", {{"message", problem}});
    history_problem_ = problem;
  });
}

std::optional<Poll> PgQueue::take_poll() {
  claims_.pump();
  return std::exchange(polled_, std::nullopt);
}

/// A new connection may have missed notifications, so it hints at every vectorizer.
std::vector<VectorizerId> PgQueue::take_hints() {
  if (listener_) listener_->pump();
  pg::Pipeline& pipeline = listener_ ? listener_->pipeline : claims_.pipeline;
  std::vector<VectorizerId> hints;
  for (const std::string& payload : pipeline.take_notifications()) {
    VectorizerId id = 0;
    const char* end = payload.data() + payload.size();
    if (std::from_chars(payload.data(), end, id).ptr == end && known_.contains(id)) hints.push_back(id);
  }
  if (std::exchange(listening_since_, pipeline.connections()) != pipeline.connections()) {
    if (listener_ && pipeline.pooled())
      log::warn(
          "notifications_impossible",
          {{"reason", "EMBEDD_LISTEN_URL leads to a pooler too, and notifications do not pass through one"}});
    for (const auto& [id, known] : known_) hints.push_back(id);
  }
  std::sort(hints.begin(), hints.end());
  hints.erase(std::unique(hints.begin(), hints.end()), hints.end());
  return hints;
}

// ── Claim

void PgQueue::send_claim(const ClaimRequest& request) {
  const auto known = find(request.vectorizer);
  if (!known) {
    claimed_.push_back({.request = request, .jobs = std::unexpected(unknown(request.vectorizer))});
    return;
  }
  const QueueHead from = heads_.of(request.vectorizer);
  const auto params = [request, from] {
    pg::Params out;
    out.uuid(request.lease)
        .real(to_seconds(request.lease_time))
        .integer(request.max_rows)
        .integer(static_cast<std::int64_t>(request.max_text_bytes))
        .integer(from.live)
        .integer(from.backfill);
    return out;
  };
  send(
      claims_, known, true, [](const QueueStatements& sql) -> const pg::Statement& { return sql.claim; },
      params,
      [this, request, from, known](const Result<pg::BinaryRows>& rows) {
        on_claim(request, from, *known, rows);
      });
}

void PgQueue::on_claim(const ClaimRequest& request, QueueHead from, const Known& known,
                       const Result<pg::BinaryRows>& rows) {
  Claim claim{.request = request, .jobs = std::vector<Job>()};
  if (!rows) {
    claim.jobs = std::unexpected(rows.error());
  } else {
    const ClaimRead read = read_claim(*rows, known.definition, options_.keep_messages, claim);
    if (read.reached) heads_.read(request.vectorizer, from, *read.reached);
    if (read.wasted) return look_up_waste(std::move(claim));
  }
  claimed_.push_back(std::move(claim));
}

/// If this fails, the claim still counts, and each worker uses what it has seen itself.
void PgQueue::look_up_waste(Claim claim) {
  pg::BinaryArray hashes(pg::kInt8, claim.jobs->size() * 12);
  for (const Job& job : *claim.jobs) hashes.add_int8(static_cast<std::int64_t>(fingerprint_of(job.key)));
  pg::Params params;
  params.integer(claim.request.vectorizer).array(std::move(hashes));
  claims_.send(look_up_waste_statement(), params,
               [this, claim = std::move(claim)](const Result<pg::BinaryRows>& rows) mutable {
                 if (rows) read_waste(*rows, *claim.jobs);
                 claimed_.push_back(std::move(claim));
               });
}

std::vector<Claim> PgQueue::take_claims() {
  claims_.pump();
  return std::exchange(claimed_, {});
}

// ── Reserve

void PgQueue::send_reservation(const Reservation& reservation) {
  pg::Params params;
  params.text(reservation.account())
      .real(to_seconds(reservation.requests_time))
      .real(to_seconds(reservation.tokens_time))
      .real(to_seconds(reservation.closed_for));
  claims_.send(reservation_statement(), params, [this, reservation](const Result<pg::BinaryRows>& rows) {
    Reserved reserved{.reservation = reservation, .wait = Duration{}};
    if (rows)
      reserved.wait = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(rows->real(0, 0)));
    else
      reserved.wait = std::unexpected(rows.error());
    reserved_.push_back(std::move(reserved));
  });
}

std::vector<Reserved> PgQueue::take_reserved() {
  claims_.pump();
  return std::exchange(reserved_, {});
}

void PgQueue::send_budget_request(const BudgetRequest& request) {
  claims_.send(budget_statement(), budget_params(request),
               [this, request](const Result<pg::BinaryRows>& rows) {
                 BudgetAnswer answer{.request = request, .part = BudgetAnswer::Part{}};
                 if (rows)
                   answer.part = read_budget(*rows);
                 else
                   answer.part = std::unexpected(rows.error());
                 budget_answers_.push_back(std::move(answer));
               });
}

std::vector<BudgetAnswer> PgQueue::take_budget_answers() {
  claims_.pump();
  return std::exchange(budget_answers_, {});
}

// ── Limits

void PgQueue::send_limits(const LimitsRecord& record) {
  const auto address = options_.addresses.find(record.endpoint);
  if (address == options_.addresses.end()) return;
  claims_.send(limits_statement(), limits_params(record, address->second),
               [this, record](const Result<pg::BinaryRows>& rows) {
                 const std::string problem = rows ? "" : rows.error().message;
                 if (std::exchange(limits_problem_, problem) != problem && !rows)
                   log::warn("limits_not_remembered",
                             {{"endpoint", record.endpoint}, {"model", record.model}, {"reason", problem}});
               });
}

// ── Waiting

bool PgQueue::ready() const { return claims_.pipeline.ready() && settlements_.pipeline.ready(); }

void PgQueue::add_interests(std::vector<Interest>& interests) const {
  claims_.pipeline.add_interests(interests);
  settlements_.pipeline.add_interests(interests);
  if (long_swaps_) long_swaps_->pipeline.add_interests(interests);
  if (listener_) listener_->pipeline.add_interests(interests);
}

std::optional<Instant> PgQueue::wake_at() const {
  std::optional<Instant> first;
  const auto consider = [&first](std::optional<Instant> at) {
    if (at && (!first || *at < *first)) first = at;
  };
  consider(claims_.pipeline.wake_at());
  consider(settlements_.pipeline.wake_at());
  if (long_swaps_) consider(long_swaps_->pipeline.wake_at());
  if (listener_) consider(listener_->pipeline.wake_at());
  if (settlements_.pipeline.ready()) consider(usage_.next_at());
  // Answers that needed no connection may be there already.
  if (!claimed_.empty() || !receipts_.empty() || !walked_.empty() || !reserved_.empty() ||
      !budget_answers_.empty() || polled_)
    consider(Instant{});
  return first;
}

}  // namespace embedd::queue
