#include "pg/queue.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "core/price.h"
#include "pg/queue_messages.h"

namespace embedd::pg {
namespace {

/// One statement writes at most so many rows: it holds their locks, and its parameters sit in memory.
constexpr std::size_t kRowsPerWrite = 512;
/// So many settling statements are on their way at a time: one that the server works on, and the next.
constexpr std::size_t kStatementsAhead = 2;
/// Statements that touch only the queue can be longer.
constexpr std::size_t kRowsPerUpdate = 2048;
constexpr std::int64_t kPageRows = 5000, kSmallestPageRows = 50;
/// A queue of this length is work enough: reconcile waits.
constexpr std::int64_t kLongQueue = 20'000;
constexpr Duration kUsageEvery = seconds(1);

Error unknown(VectorizerId vectorizer) {
  return {ErrorKind::misconfigured, fmt::format("vectorizer {} is not there", vectorizer)};
}

PipelineOptions pipeline_options(const PgQueueOptions& options, bool listen, Planning planning) {
  return {.conninfo = options.database,
          .conninfo_now = options.database_now,
          .application_name = "embedd worker",
          .channel = listen ? "embedd" : "",
          .command_timeout = options.command_timeout,
          .planning = planning,
          // Others may create functions in a schema on the role's path, and an exact match there would win.
          // What writes to users' tables keeps the path all the same: their triggers may need it.
          .search_path = planning == Planning::custom ? "pg_catalog, pg_temp" : ""};
}

}  // namespace

void PgQueue::Lane::send(const Statement& statement, const Params& params, Handler handler) {
  const CommandId id = pipeline.send(statement, params);
  handlers.emplace(id, std::move(handler));
}

void PgQueue::Lane::pump() {
  for (Answer& answer : pipeline.take()) {
    auto handler = handlers.extract(answer.id);
    CHECK(!handler.empty(), "an answer to command {}", answer.id);
    handler.mapped()(answer.rows);
  }
  if (pipeline.ready() == was_ready && (was_ready || pipeline.last_error().message == complaint)) return;
  was_ready = pipeline.ready();
  complaint = pipeline.last_error().message;
  if (was_ready)
    log::info("database_connected", {{"connection", name}, {"pooled", pipeline.pooled()}});
  else
    log::warn("database_unavailable", {{"connection", name}, {"reason", complaint}});
}

PgQueue::PgQueue(PgQueueOptions options, const Clock& clock, std::function<void()> wake)
    : options_(std::move(options)),
      clock_(clock),
      claims_("claims", pipeline_options(options_, options_.listen.empty(), Planning::custom), clock, wake),
      settlements_("settlements", pipeline_options(options_, false, Planning::generic), clock, wake) {
  claims_.complaint = settlements_.complaint = claims_.pipeline.last_error().message;
  if (options_.listen.empty()) return;
  PipelineOptions listen = pipeline_options(options_, true, Planning::custom);
  listen.conninfo = options_.listen;
  listen.conninfo_now = options_.listen_now;
  listener_.emplace("notifications", std::move(listen), clock, wake);
  listener_->complaint = listener_->pipeline.last_error().message;
}

PgQueue::~PgQueue() {
  parts_.clear();  // whose settlements they are has gone
  const auto deadline = std::chrono::steady_clock::now() + seconds(1);
  if (claims_.pipeline.ready())
    claims_.send(goodbye_statement(), Params().uuid(options_.worker), [](const auto&) {});
  for (;;) {
    next_usage_ = {};
    claims_.pump();
    pump_settlements();
    const bool usage_left = writing_usage_ || (!usage_.empty() && settlements_.pipeline.ready());
    if (claims_.handlers.empty() && !usage_left) return;
    const auto left =
        std::chrono::duration_cast<milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    if (left <= 0) return;
    std::vector<Interest> interests;
    add_interests(interests);
    std::vector<pollfd> fds;
    for (const Interest& interest : interests)
      fds.push_back({interest.fd, static_cast<short>(POLLIN | (interest.write ? POLLOUT : 0)), 0});
    ::poll(fds.data(), fds.size(), static_cast<int>(left));
  }
}

std::shared_ptr<const PgQueue::Known> PgQueue::find(VectorizerId vectorizer) const {
  const auto found = known_.find(vectorizer);
  return found == known_.end() ? nullptr : found->second;
}

// ── Poll

void PgQueue::send_poll(const Heartbeat& heartbeat) {
  polling_ = true;
  Params params;
  params.uuid(options_.worker)
      .text(options_.hostname)
      .integer(options_.pid)
      .text(options_.version)
      .integer(static_cast<std::int64_t>(heartbeat.rows_embedded))
      .integer(heartbeat.requests_in_flight)
      .integer(heartbeat.leases_held)
      .flag(heartbeat.draining)
      .real(to_seconds(options_.reconcile_every))
      .text(troubles_json(heartbeat.troubles));
  if (plans_used_ && settlements_.pipeline.ready() && !settlements_.pipeline.pooled()) {
    plans_used_ = false;
    settlements_.send(discard_plans_statement(), {}, [](const Result<BinaryRows>&) {});
  }
  claims_.send(poll_statement(), params, [this](const Result<BinaryRows>& rows) { note_poll(rows); });
}

void PgQueue::note_poll(const Result<BinaryRows>& rows) {
  polling_ = false;
  if (!rows) {
    polled_ = std::unexpected(rows.error());
    return;
  }
  polled_.emplace();
  std::map<VectorizerId, std::shared_ptr<const Known>> known;
  std::map<VectorizerId, std::string> complaints;
  const auto complain = [&](int row, const std::string& reason) {
    const VectorizerId id = rows->integer(row, 0);
    complaints[id] = reason;
    if (complaints_[id] != reason)
      log::warn("vectorizer_unusable", {{"vectorizer", rows->bytes(row, 1)}, {"reason", reason}});
  };
  for (int i = 0; i < rows->size(); ++i) {
    auto definition = read_definition(*rows, i);
    if (!definition) {
      complain(i, definition.error().message);
      continue;
    }
    const VectorizerId id = definition->vectorizer.id;
    const auto before = find(id);
    if (before && before->definition == *definition)
      known[id] = before;
    else
      known[id] = std::make_shared<const Known>(std::move(*definition));
    VectorizerState state = read_state(*rows, i);
    state.vectorizer = known[id]->definition.vectorizer;
    if (const auto problem = read_problem(*rows, i)) {
      complain(i, *problem);
      state.waiting = true;  // for all that is known
    }
    (*polled_)->push_back(std::move(state));
  }
  known_ = std::move(known);
  complaints_ = std::move(complaints);
  std::erase_if(walks_, [this](const auto& walk) { return !known_.contains(walk.first); });
}

std::optional<Poll> PgQueue::take_poll() {
  claims_.pump();
  return std::exchange(polled_, std::nullopt);
}

/// A new connection may have missed notifications, so it hints at everything.
std::vector<VectorizerId> PgQueue::take_hints() {
  if (listener_) listener_->pump();
  Pipeline& pipeline = listener_ ? listener_->pipeline : claims_.pipeline;
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
  Params params;
  params.uuid(request.lease)
      .real(to_seconds(request.lease_time))
      .integer(request.max_rows)
      .integer(static_cast<std::int64_t>(request.max_text_bytes));
  claims_.send(known->sql.claim, params,
               [this, request, known](const Result<BinaryRows>& rows) { note_claim(request, *known, rows); });
}

void PgQueue::note_claim(const ClaimRequest& request, const Known& known, const Result<BinaryRows>& rows) {
  Claim claim{.request = request, .jobs = std::vector<Job>()};
  if (rows)
    read_claim(*rows, known.definition, claim);
  else
    claim.jobs = std::unexpected(rows.error());
  claimed_.push_back(std::move(claim));
}

std::vector<Claim> PgQueue::take_claims() {
  claims_.pump();
  return std::exchange(claimed_, {});
}

// ── Settle

void PgQueue::send_settlement(const Settlement& settlement) {
  CHECK(!settlement.jobs.empty(), "settlement {} has no jobs", settlement.id);
  const auto known = find(settlement.vectorizer);
  if (!known) {
    receipts_.push_back({settlement.id, std::unexpected(unknown(settlement.vectorizer))});
    return;
  }
  const bool writes = settlement.action == Action::complete || settlement.action == Action::clear;
  const std::size_t most = writes ? kRowsPerWrite : kRowsPerUpdate;
  auto open = std::make_shared<OpenSettlement>();
  open->summary = {.id = settlement.id,
                   .vectorizer = settlement.vectorizer,
                   .action = settlement.action,
                   .model_id = settlement.model_id,
                   .requests = settlement.requests,
                   .tokens = settlement.tokens};
  open->outcomes.resize(settlement.jobs.size());
  open->unanswered = (settlement.jobs.size() + most - 1) / most;
  // A lease must not lapse while its extension waits behind what it is extended for.
  for (std::size_t first = 0; first < settlement.jobs.size(); first += most)
    parts_.insert(settlement.action == Action::extend ? parts_.begin() : parts_.end(),
                  {open, &settlement, known, first, std::min(most, settlement.jobs.size() - first)});
  send_parts();
}

void PgQueue::send_parts() {
  while (!parts_.empty() && settlements_.handlers.size() < kStatementsAhead) {
    const Part part = std::move(parts_.front());
    parts_.pop_front();
    send_part(part);
  }
}

void PgQueue::send_part(const Part& part) {
  const auto jobs = std::span(part.settlement->jobs).subspan(part.first, part.count);
  plans_used_ = true;
  settlements_.send(statement_of(part.known->sql, *part.settlement),
                    settlement_params(*part.settlement, jobs, part.known->definition),
                    [this, open = part.open, first = part.first, count = part.count](
                        const Result<BinaryRows>& rows) { note_part(*open, first, count, rows); });
}

void PgQueue::note_part(OpenSettlement& open, std::size_t first, std::size_t count,
                        const Result<BinaryRows>& rows) {
  if (rows) {
    const std::string_view letters = rows->bytes(0, 0);
    CHECK(letters.size() == count, "{} outcomes of {} jobs", letters.size(), count);
    for (std::size_t i = 0; i < count; ++i) open.outcomes[first + i] = outcome_of(letters[i]);
    ++open.succeeded;
  } else if (!open.error || open.error->kind != ErrorKind::in_doubt) {
    open.error = rows.error();
  }
  if (--open.unanswered > 0) return;

  const Settlement& settlement = open.summary;
  if (open.error) {
    // A part that was carried out will be found gone when all is sent again. What was refused would be
    // refused again, for ever: it must be divided until the row at fault is alone.
    if (open.succeeded > 0 && open.error->kind != ErrorKind::rejected) open.error->kind = ErrorKind::in_doubt;
    receipts_.push_back({settlement.id, std::unexpected(std::move(*open.error))});
    return;
  }
  const auto gone = std::count(open.outcomes.begin(), open.outcomes.end(), Outcome::gone);
  const auto done = std::count(open.outcomes.begin(), open.outcomes.end(), Outcome::done);
  // All gone: most likely a settlement sent again, whose usage was written the first time.
  if (settlement.action == Action::complete && static_cast<std::size_t>(gone) < open.outcomes.size()) {
    Bought& bought = usage_[{settlement.vectorizer, settlement.model_id}];
    bought.requests += settlement.requests;
    bought.tokens += settlement.tokens;
    bought.rows += static_cast<std::uint64_t>(done);
  }
  receipts_.push_back({settlement.id, std::move(open.outcomes)});
}

std::vector<Receipt> PgQueue::take_receipts() {
  pump_settlements();
  return std::exchange(receipts_, {});
}

void PgQueue::pump_settlements() {
  settlements_.pump();
  send_parts();
  write_usage();
}

void PgQueue::write_usage() {
  if (usage_.empty() || writing_usage_ || clock_.now() < next_usage_ || !settlements_.pipeline.ready())
    return;
  BinaryArray vectorizers(kInt8), models(kText), requests(kInt8), rows(kInt8), tokens(kInt8), costs(kInt8);
  for (const auto& [key, bought] : usage_) {
    vectorizers.add_int8(key.first);
    models.add(key.second);
    requests.add_int8(static_cast<std::int64_t>(bought.requests));
    rows.add_int8(static_cast<std::int64_t>(bought.rows));
    tokens.add_int8(static_cast<std::int64_t>(bought.tokens));
    costs.add_int8(std::llround(usd_of(key.second, bought.tokens) * 1e9));
  }
  Params params;
  params.array(std::move(vectorizers)).array(std::move(models)).array(std::move(requests));
  params.array(std::move(rows)).array(std::move(tokens)).array(std::move(costs));
  writing_usage_ = true;
  next_usage_ = clock_.now() + kUsageEvery;
  settlements_.send(usage_statement(), params,
                    [this, written = std::exchange(usage_, {})](const Result<BinaryRows>& result) {
                      writing_usage_ = false;
                      // In doubt counts as written: a ceiling on spending must not trip over what was bought
                      // once.
                      if (result || result.error().kind == ErrorKind::in_doubt) return;
                      for (const auto& [key, bought] : written) {
                        usage_[key].requests += bought.requests;
                        usage_[key].rows += bought.rows;
                        usage_[key].tokens += bought.tokens;
                      }
                    });
}

// ── Reconcile

void PgQueue::send_reconcile(VectorizerId vectorizer, const Key& cursor) {
  const auto known = find(vectorizer);
  if (!known) {
    reconciled_.push_back({.vectorizer = vectorizer, .progress = std::unexpected(unknown(vectorizer))});
    return;
  }
  Walk& walk = walks_.try_emplace(vectorizer, Walk{.page_rows = kPageRows}).first->second;
  if (cursor.empty()) walk.skipped = 0;
  Params params;
  params.integer(walk.page_rows)
      .integer(kLongQueue)
      .integer(walk.skipped)
      .real(to_seconds(options_.reconcile_every));
  if (!cursor.empty())
    for (const std::string_view column : decode_key(cursor, known->definition.key_columns.size()))
      params.bytes(Bytes(column));
  claims_.send(cursor.empty() ? known->sql.reconcile_first : known->sql.reconcile, params,
               [this, known, cursor](const Result<BinaryRows>& rows) {
                 note_page(known->definition.vectorizer.id, cursor, rows);
               });
}

void PgQueue::note_page(VectorizerId vectorizer, const Key& cursor, const Result<BinaryRows>& rows) {
  enum Column { kOnDuty, kDeferred, kScanned, kEnqueued, kSkipped, kLast, kKey };
  ReconcilePage page{.vectorizer = vectorizer, .progress = ReconcilePage::Progress{}};
  const auto known = find(vectorizer);
  Walk& walk = walks_.try_emplace(vectorizer, Walk{.page_rows = kPageRows}).first->second;
  if (!rows) {
    if (rows.error().kind == ErrorKind::canceled)
      walk.page_rows = std::max(walk.page_rows / 4, kSmallestPageRows);
    page.progress = std::unexpected(rows.error());
  } else if (!known) {
    page.progress->finished = true;
  } else {
    ReconcilePage::Progress& progress = *page.progress;
    progress.scanned = static_cast<std::uint64_t>(rows->integer(0, kScanned));
    progress.enqueued = static_cast<std::uint64_t>(rows->integer(0, kEnqueued));
    progress.finished = !rows->flag(0, kOnDuty) || rows->flag(0, kLast);
    progress.deferred = !progress.finished && rows->flag(0, kDeferred);
    walk.skipped += rows->integer(0, kSkipped);
    progress.next = cursor;
    if (!progress.deferred && !rows->is_null(0, kKey)) {
      std::vector<std::string_view> key;
      for (std::size_t i = 0; i < known->definition.key_columns.size(); ++i)
        key.push_back(rows->bytes(0, kKey + static_cast<int>(i)));
      progress.next = encode_key(key);
    }
  }
  reconciled_.push_back(std::move(page));
}

std::vector<ReconcilePage> PgQueue::take_reconciled() {
  claims_.pump();
  return std::exchange(reconciled_, {});
}

// ── Reserve

void PgQueue::send_reservation(const Reservation& reservation) {
  Params params;
  params.text(reservation.account())
      .real(to_seconds(reservation.requests_cost))
      .real(to_seconds(reservation.tokens_cost))
      .real(to_seconds(reservation.closed_for));
  claims_.send(reservation_statement(), params, [this, reservation](const Result<BinaryRows>& rows) {
    Grant grant{.reservation = reservation, .wait = Duration{}};
    if (rows)
      grant.wait = std::chrono::duration_cast<Duration>(std::chrono::duration<double>(rows->real(0, 0)));
    else
      grant.wait = std::unexpected(rows.error());
    grants_.push_back(std::move(grant));
  });
}

std::vector<Grant> PgQueue::take_grants() {
  claims_.pump();
  return std::exchange(grants_, {});
}

// ── Waiting

bool PgQueue::busy() const {
  return !parts_.empty() || !claims_.handlers.empty() || !settlements_.handlers.empty() || polling_ ||
         polled_ || !claimed_.empty() || !receipts_.empty() || !reconciled_.empty() || !grants_.empty();
}

bool PgQueue::ready() const { return claims_.pipeline.ready() && settlements_.pipeline.ready(); }

void PgQueue::add_interests(std::vector<Interest>& interests) const {
  claims_.pipeline.add_interests(interests);
  settlements_.pipeline.add_interests(interests);
  if (listener_) listener_->pipeline.add_interests(interests);
}

std::optional<Instant> PgQueue::wake_at() const {
  std::optional<Instant> first;
  const auto consider = [&first](std::optional<Instant> at) {
    if (at && (!first || *at < *first)) first = at;
  };
  consider(claims_.pipeline.wake_at());
  consider(settlements_.pipeline.wake_at());
  if (listener_) consider(listener_->pipeline.wake_at());
  if (!usage_.empty() && !writing_usage_ && settlements_.pipeline.ready()) consider(next_usage_);
  // Answers that need no connection are there already.
  if (!claimed_.empty() || !receipts_.empty() || !reconciled_.empty() || !grants_.empty() || polled_)
    consider(Instant{});
  return first;
}

}  // namespace embedd::pg
