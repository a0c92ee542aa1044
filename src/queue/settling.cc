// PgQueue's settlements: which part of which goes next, how long a statement may be, and what was bought.
#include <algorithm>
#include <cmath>
#include <utility>

#include "base/check.h"
#include "core/models.h"
#include "core/queue.h"
#include "queue/messages.h"
#include "queue/pg_queue.h"

namespace embedd::queue {
namespace {

/// So many settling statements are on their way at a time: one that the server works on, and the next.
constexpr std::size_t kStatementsAhead = 2;
/// Statements that touch only the queue can be longer.
constexpr std::size_t kRowsPerUpdate = 2048;

/// Billionths of a dollar, as far as bigint reaches.
std::int64_t cost_of(const std::string& model, std::uint64_t tokens) {
  return std::llround(std::clamp(usd_of(model, tokens) * 1e9, 0.0, 9e18));
}

/// It writes to the user's table, so that users may wait for it.
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
  auto open = std::make_shared<OpenSettlement>();
  open->outcomes.resize(settlement.jobs.size());
  open->unanswered = settlement.jobs.size();
  // A lease must not lapse while its extension waits behind what it is extended for.
  parts_.insert(settlement.action == Action::extend ? parts_.begin() : parts_.end(),
                {std::move(open), std::move(sent), known, 0, settlement.jobs.size()});
  send_parts();
}

/// Extensions first; then the vectorizer that was served the longest ago.
std::deque<PgQueue::Part>::iterator PgQueue::next_part() {
  const auto last_served = [this](const Part& part) {
    return part.settlement->action == Action::extend ? 0 : writing_[part.settlement->vectorizer].last_served;
  };
  return std::ranges::min_element(parts_, {}, last_served);
}

void PgQueue::send_parts() {
  while (!parts_.empty() && settlements_.handlers.size() < kStatementsAhead) {
    const auto next = next_part();
    Part part = *next;
    // What failed is sent again as a whole: no more of it now.
    const bool failed = part.open->error.has_value();
    Writing& writing = writing_[part.settlement->vectorizer];
    const std::size_t most = failed                                    ? part.count
                             : writes(*part.settlement)                ? writing.pace.rows()
                             : part.settlement->action == Action::keep ? WritePace::kMostRows
                                                                       : kRowsPerUpdate;
    part.count = std::min(part.count, most);
    next->first += part.count;
    next->count -= part.count;
    if (next->count == 0) parts_.erase(next);
    if (failed) {
      part.open->unanswered -= part.count;
      conclude(part);
      continue;
    }
    if (part.settlement->action != Action::extend) writing.last_served = next_served_++;
    send_part(part);
  }
}

void PgQueue::send_part(const Part& part) {
  const auto statement = [part](const QueueStatements& sql) -> const pg::Statement& {
    return statement_of(sql, *part.settlement);
  };
  const auto params = [part] {
    const auto jobs = std::span(part.settlement->jobs).subspan(part.first, part.count);
    return settlement_params(*part.settlement, jobs, part.known->definition);
  };
  const Instant sent_at = clock_.now();
  plans_used_ = true;
  send(settlements_, part.known, false, statement, params,
       [this, part, sent_at](const Result<pg::BinaryRows>& rows) {
         // The server began with it when it was done with the one before.
         const Instant began = std::max(sent_at, settled_at_);
         settled_at_ = clock_.now();
         on_part(part, settled_at_ - began, rows);
       });
}

void PgQueue::on_part(const Part& part, Duration took, const Result<pg::BinaryRows>& rows) {
  OpenSettlement& open = *part.open;
  const Settlement& settlement = *part.settlement;
  WritePace& pace = writing_[settlement.vectorizer].pace;
  if (rows) {
    const std::string_view letters = rows->bytes(0, 0);
    CHECK(letters.size() == part.count, "{} outcomes of {} jobs", letters.size(), part.count);
    for (std::size_t i = 0; i < part.count; ++i) open.outcomes[part.first + i] = outcome_of(letters[i]);
    open.partly = true;
    if (writes(settlement)) pace.wrote(part.count, took);
    const auto done = std::ranges::count(letters, static_cast<char>(kDone));
    if (settlement.action == Action::complete && done > 0)
      usage_.add({settlement.vectorizer, settlement.model_id}, {.rows = static_cast<std::uint64_t>(done)});
  } else if (rows.error().kind == ErrorKind::canceled && part.count > 1 && !closing_) {
    // Too many rows for a table that has become slow: as much as fits goes next, and so on.
    pace.canceled(part.count);
    parts_.push_front(part);
    return;
  } else if (!open.error) {
    open.error = rows.error();
  }
  open.unanswered -= part.count;
  conclude(part);
}

/// Once all of its jobs are answered for.
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
  send_parts();
  write_usage();
}

void PgQueue::write_usage() {
  if (!settlements_.pipeline.ready()) return;
  auto entries = usage_.next(clock_.now());
  if (!entries) return;
  pg::BinaryArray vectorizers(pg::kInt8), models(pg::kText), requests(pg::kInt8), rows(pg::kInt8),
      tokens(pg::kInt8), costs(pg::kInt8);
  for (const auto& [key, bought] : *entries) {
    vectorizers.add_int8(key.first);
    models.add(key.second);
    requests.add_int8(static_cast<std::int64_t>(bought.requests));
    rows.add_int8(static_cast<std::int64_t>(bought.rows));
    tokens.add_int8(static_cast<std::int64_t>(bought.tokens));
    costs.add_int8(cost_of(key.second, bought.tokens));
  }
  pg::Params params;
  params.array(std::move(vectorizers)).array(std::move(models)).array(std::move(requests));
  params.array(std::move(rows)).array(std::move(tokens)).array(std::move(costs));
  settlements_.send(usage_statement(), params,
                    [this, entries = std::move(*entries)](const Result<pg::BinaryRows>& result) mutable {
                      usage_.booked(std::move(entries), result ? std::nullopt : std::optional(result.error()),
                                    clock_.now());
                    });
}

}  // namespace embedd::queue
