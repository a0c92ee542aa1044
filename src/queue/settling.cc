// PgQueue's settlements: which part of which settlement is sent next, and how many jobs one statement has.
#include <algorithm>
#include <utility>

#include "base/check.h"
#include "core/queue.h"
#include "queue/messages.h"
#include "queue/pg_queue.h"

namespace embedd::queue {
namespace {

/// Settling statements on their way at a time: one that the server works on, and the next.
constexpr std::size_t kStatementsAhead = 2;
/// Statements that touch only the queue can be longer.
constexpr std::size_t kRowsPerUpdate = 2048;
/// How long swaps that take long wait for their connection.
constexpr Duration kLongestConnecting = minutes(1);

/// True if the settlement writes to the user's table, so that users may wait for it.
bool writes(const Settlement& settlement) {
  return settlement.action == Action::complete || settlement.action == Action::clear ||
         (settlement.action == Action::discard && settlement.clear_vector);
}

}  // namespace

void PgQueue::send_settlement(std::shared_ptr<const Settlement> sent) {
  const Settlement& settlement = *sent;
  CHECK(!settlement.jobs.empty(), "settlement {} has no jobs", settlement.id);
  const auto known = find(settlement.vectorizer);
  if (!known) {
    receipts_.push_back({settlement.id, std::unexpected(unknown(settlement.vectorizer))});
    return;
  }
  if (settlement.requests > 0 || settlement.tokens > 0)
    usage_.add({settlement.vectorizer, settlement.model_id},
               {.requests = settlement.requests, .tokens = settlement.tokens});
  history_.bought(settlement.vectorizer, settlement.tokens);
  auto open = std::make_shared<OpenSettlement>();
  open->outcomes.resize(settlement.jobs.size());
  open->unanswered = settlement.jobs.size();
  // An extension goes first: behind other settlements it would wait, and the lease could lapse.
  parts_.insert(settlement.action == Action::extend ? parts_.begin() : parts_.end(),
                {std::move(open), std::move(sent), known, 0, settlement.jobs.size()});
  send_parts();
}

/// Chooses extensions first, then a part of the vectorizer that was served the longest ago. Leaves out long
/// swaps, which have a connection of their own.
std::deque<PgQueue::Part>::iterator PgQueue::next_part() {
  auto first = parts_.end();
  std::uint64_t longest_ago = 0;
  for (auto part = parts_.begin(); part != parts_.end(); ++part) {
    if (part->long_swap) continue;
    const std::uint64_t last_served =
        part->settlement->action == Action::extend ? 0 : writing_[part->settlement->vectorizer].last_served;
    if (first != parts_.end() && last_served >= longest_ago) continue;
    first = part;
    longest_ago = last_served;
  }
  return first;
}

/// Takes the first `most` jobs of the part; none if a statement of the part's settlement has failed: the core
/// sends the whole settlement again.
std::optional<PgQueue::Part> PgQueue::take_part(const std::deque<Part>::iterator& next, std::size_t most) {
  Part part = *next;
  const bool failed = part.open->error.has_value();
  if (!failed) part.count = std::min(part.count, most);
  next->first += part.count;
  next->count -= part.count;
  if (next->count == 0) parts_.erase(next);
  if (!failed) return part;
  part.open->unanswered -= part.count;
  conclude(part);
  return std::nullopt;
}

void PgQueue::send_parts() {
  while (settlements_.handlers.size() < kStatementsAhead) {
    const auto next = next_part();
    if (next == parts_.end()) break;
    const Settlement& settlement = *next->settlement;
    Writing& writing = writing_[settlement.vectorizer];
    const std::size_t most = writes(settlement)                  ? writing.pace.rows()
                             : settlement.action == Action::keep ? WritePace::kMostRows
                                                                 : kRowsPerUpdate;
    const bool extends = settlement.action == Action::extend;
    const std::optional<Part> part = take_part(next, most);
    if (!part) continue;
    if (!extends) writing.last_served = next_served_++;
    send_part(settlements_, *part);
  }
  send_long_swaps();
}

/// Sends one row at a time, and closes the connection when no row is left.
void PgQueue::send_long_swaps() {
  for (;;) {
    if (long_swaps_ && !long_swaps_->handlers.empty()) return;
    const auto next = std::ranges::find_if(parts_, &Part::long_swap);
    if (next == parts_.end()) return long_swaps_.reset();
    if (!long_swaps().pipeline.ready()) {
      if (clock_.now() - long_swaps_since_ < kLongestConnecting) return;
      give_up_long_swaps();
    } else if (const std::optional<Part> part = take_part(next, 1)) {
      send_part(long_swaps(), *part);
    }
  }
}

/// Call if the connection cannot be opened: the swaps fail, and the core sends them again later.
void PgQueue::give_up_long_swaps() {
  const Error error = long_swaps_->pipeline.last_error();
  std::vector<Part> rest;
  std::erase_if(parts_, [&rest](const Part& part) {
    if (part.long_swap) rest.push_back(part);
    return part.long_swap;
  });
  for (const Part& part : rest) answer(part, std::unexpected(error));
}

void PgQueue::send_part(Session& session, const Part& part) {
  const auto statement = [part](const QueueStatements& sql) -> const pg::Statement& {
    return statement_of(sql, *part.settlement);
  };
  const auto params = [part] {
    const auto jobs = std::span(part.settlement->jobs).subspan(part.first, part.count);
    return settlement_params(*part.settlement, jobs, part.known->definition);
  };
  const Instant sent_at = clock_.now();
  if (part.long_swap)
    return send(session, part.known, false, statement, params,
                [this, part](const Result<pg::BinaryRows>& rows) { answer(part, rows); });
  plans_used_ = true;
  send(session, part.known, false, statement, params,
       [this, part, sent_at](const Result<pg::BinaryRows>& rows) {
         // The server began with this statement when it had finished the one before.
         const Instant began = std::max(sent_at, settled_at_);
         settled_at_ = clock_.now();
         on_part(part, settled_at_ - began, rows);
       });
}

void PgQueue::on_part(const Part& part, Duration took, const Result<pg::BinaryRows>& rows) {
  const Settlement& settlement = *part.settlement;
  Writing& writing = writing_[settlement.vectorizer];
  if (rows && writes(settlement)) writing.pace.wrote(part.count, took);
  if (rows || rows.error().kind != ErrorKind::canceled || closing_) return answer(part, rows);
  if (part.count > 1) {
    // The table has become slow: the next statements have fewer rows.
    writing.pace.canceled(part.count);
    parts_.push_front(part);
    return;
  }
  if (!part.known->definition.store || settlement.action != Action::complete) return answer(part, rows);
  parts_.push_front(part);
  parts_.front().long_swap = true;
}

void PgQueue::answer(const Part& part, const Result<pg::BinaryRows>& rows) {
  OpenSettlement& open = *part.open;
  const Settlement& settlement = *part.settlement;
  if (rows) {
    const std::string_view letters = rows->bytes(0, 0);
    CHECK(letters.size() == part.count, "{} outcomes of {} jobs", letters.size(), part.count);
    for (std::size_t i = 0; i < part.count; ++i) open.outcomes[part.first + i] = outcome_of(letters[i]);
    open.partly = true;
    const auto done = std::ranges::count(letters, static_cast<char>(kDone));
    if (settlement.action == Action::complete && done > 0) {
      usage_.add({settlement.vectorizer, settlement.model_id}, {.rows = static_cast<std::uint64_t>(done)});
      history_.stored(settlement.vectorizer, done);
      const Instant now = clock_.now();
      for (std::size_t i = 0; i < part.count; ++i)
        if (const auto& job = settlement.jobs[part.first + i]; letters[i] == kDone && job.changed_at)
          history_.fresh(settlement.vectorizer, now - *job.changed_at);
    }
  } else if (!open.error) {
    open.error = rows.error();
  }
  open.unanswered -= part.count;
  conclude(part);
}

/// Makes the receipt of the part's settlement once each of its jobs has an answer.
void PgQueue::conclude(const Part& part) {
  OpenSettlement& open = *part.open;
  if (open.unanswered > 0) return;
  if (open.error)
    receipts_.push_back({part.settlement->id, std::unexpected(std::move(*open.error)), open.partly});
  else
    receipts_.push_back({part.settlement->id, std::move(open.outcomes)});
}

std::vector<Receipt> PgQueue::take_receipts() {
  pump_settlements();
  return std::exchange(receipts_, {});
}

void PgQueue::pump_settlements() {
  settlements_.pump();
  if (long_swaps_) long_swaps_->pump();
  send_parts();
  write_usage();
}

void PgQueue::write_usage() {
  if (!settlements_.pipeline.ready()) return;
  auto entries = usage_.next(clock_.now());
  if (!entries) return;
  pg::BinaryArray vectorizers(pg::kInt8), models(pg::kText), requests(pg::kInt8), rows(pg::kInt8),
      tokens(pg::kInt8), costs(pg::kInt8), unpriced(pg::kInt8);
  for (const auto& [key, bought] : *entries) {
    vectorizers.add_int8(key.first);
    models.add(key.second);
    requests.add_int8(static_cast<std::int64_t>(bought.requests));
    rows.add_int8(static_cast<std::int64_t>(bought.rows));
    tokens.add_int8(static_cast<std::int64_t>(bought.tokens));
    const auto known = find(key.first);
    const auto cost = options_.prices.nano_usd_of(
        known ? known->definition.vectorizer.endpoint : std::string(), key.second, bought.tokens);
    costs.add_int8(cost.value_or(0));
    unpriced.add_int8(cost ? 0 : static_cast<std::int64_t>(bought.tokens));
  }
  pg::Params params;
  params.array(std::move(vectorizers)).array(std::move(models)).array(std::move(requests));
  params.array(std::move(rows)).array(std::move(tokens)).array(std::move(costs));
  params.array(std::move(unpriced));
  settlements_.send(usage_statement(), params,
                    [this, entries = std::move(*entries)](const Result<pg::BinaryRows>& result) mutable {
                      usage_.booked(std::move(entries), result ? std::nullopt : std::optional(result.error()),
                                    clock_.now());
                    });
}

}  // namespace embedd::queue
