#include "support/sim_database.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/check.h"
#include "core/spending_brake.h"

namespace embedd::sim {

namespace {

/// What is kept is of another text; the job is its holder's to give back.
Outcome make_stale(QueuedJob& queued) {
  queued.kept.reset();
  if (std::exchange(queued.cut_through, false)) queued.cut_hash = 0;
  return Outcome::stale;
}

}  // namespace

std::unexpected<Error> no_such_table() { return fail(ErrorKind::misconfigured, "relation does not exist"); }

std::unexpected<Error> lock_timeout() {
  return fail(ErrorKind::conflict, "canceling statement due to lock timeout");
}

bool stores(const Table& table, const std::string& key) {
  return table.chunks != 0 ? has_chunks(table, key) : table.rows.at(key).vector.has_value();
}

bool is_proven(const Table& table, const std::string& key, std::int64_t text_hash) {
  const auto proof = table.ledger.find(key);
  return proof != table.ledger.end() && proof->second.text_hash == text_hash;
}

bool is_as_proven(const Table& table, const std::string& key) {
  const auto proof = table.ledger.find(key);
  if (proof == table.ledger.end()) return false;
  if (table.chunks == 0) return proof->second.vector == table.rows.at(key).vector;
  const auto stored = table.store.find(key);
  return proof->second.chunks == (stored == table.store.end() ? StoredChunks() : stored->second);
}

std::int64_t hash_of(const std::string& text) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return static_cast<std::int64_t>(hash);
}

std::vector<float> vector_of(const std::string& text) {
  const auto hash = static_cast<std::uint64_t>(hash_of(text.starts_with("twin") ? "twin" : text));
  std::vector<float> vector;
  for (int i = 0; i < 4; ++i) vector.push_back(static_cast<float>((hash >> (16 * i)) & 0xFFFF) + 1.0F);
  return vector;
}

bool blank(const std::string& text) { return text.find_first_not_of(" \t\r\n") == std::string::npos; }

void Database::enqueue(Table& table, const std::string& key, int priority, Instant now) {
  table.queue[key] = QueuedJob{.run_at = now, .priority = priority, .changed_at = now};
}

void Database::put(VectorizerId id, const std::string& key, const std::string& text, Instant now) {
  each_over(id, [&](Table& table) { put_one(table, key, text, now); });
}

void Database::put_one(Table& table, const std::string& key, const std::string& users_text, Instant now) {
  const std::string text = templated(table, users_text);
  const auto found = table.rows.find(key);
  const bool fresh = found == table.rows.end();
  if (!fresh && found->second.held) return;
  const bool changed = fresh || found->second.text != text;
  table.rows[key].text = text;
  owners[text].emplace(table.vectorizer.id, key);
  if (!changed || (fresh && blank(text))) return;
  table.dead.erase(key);
  enqueue(table, key, 0, now);
}

void Database::update_behind_triggers(VectorizerId id, const std::string& key, const std::string& text) {
  each_over(id, [&](Table& table) {
    const auto found = table.rows.find(key);
    if (found == table.rows.end() || found->second.held) return;
    found->second.text = templated(table, text);
    owners[found->second.text].emplace(table.vectorizer.id, key);
  });
}

void Database::replace_vector(VectorizerId id, const std::string& key,
                              std::optional<std::vector<float>> vector, Instant now) {
  Table& table = tables.at(id);
  const auto found = table.rows.find(key);
  if (found == table.rows.end() || found->second.held || found->second.vector == vector) return;
  table.dead.erase(key);
  const auto former = std::exchange(found->second.vector, std::move(vector));
  QueuedJob job{.run_at = now, .changed_at = now};
  const auto queued = table.queue.find(key);
  if (queued != table.queue.end() && queued->second.lease && queued->second.run_at > now) {
    job.lease = queued->second.lease;
    job.run_at = queued->second.run_at;
  }
  if (queued != table.queue.end() && queued->second.kept) {
    job.kept = queued->second.kept;
    job.kept_hash = queued->second.kept_hash;
    job.kept_at = queued->second.kept_at;
  } else if (const auto proof = table.ledger.find(key);
             proof != table.ledger.end() && former == proof->second.vector) {
    job.kept = former;
    job.kept_hash = proof->second.text_hash;
    job.kept_at = now;
  }
  table.queue[key] = std::move(job);
}

void Database::replace_vector_behind_triggers(VectorizerId id, const std::string& key,
                                              std::optional<std::vector<float>> vector) {
  const auto found = tables.at(id).rows.find(key);
  if (found != tables.at(id).rows.end() && !found->second.held) found->second.vector = std::move(vector);
}

void Database::remove(VectorizerId id, const std::string& key) {
  each_over(id, [&](Table& table) { remove_one(table, key); });
}

void Database::remove_one(Table& table, const std::string& key) {
  const auto found = table.rows.find(key);
  if (found == table.rows.end() || found->second.held) return;
  table.rows.erase(found);
  table.queue.erase(key);
  table.ledger.erase(key);
  table.dead.erase(key);
  forget_chunks(table, key);
}

void Database::rename(VectorizerId id, const std::string& key, const std::string& new_key, Instant now) {
  each_over(id, [&](Table& table) { rename_one(table, key, new_key, now); });
}

void Database::rename_one(Table& table, const std::string& key, const std::string& new_key, Instant now) {
  const auto found = table.rows.find(key);
  if (found == table.rows.end() || found->second.held || table.rows.contains(new_key)) return;
  owners[found->second.text].emplace(table.vectorizer.id, new_key);
  auto row = table.rows.extract(found);
  row.key() = new_key;
  table.rows.insert(std::move(row));
  // As the trigger does: the old key's job is the worker's to clear away, the proof moves along.
  if (table.queue.contains(key)) enqueue(table, key, 0, now);
  table.staged.move(key, new_key);
  auto proof = table.ledger.extract(key);
  const bool taken = table.ledger.erase(new_key) > 0;
  if (proof && !taken) {
    proof.key() = new_key;
    table.ledger.insert(std::move(proof));
    move_chunks(table, key, new_key);
  }
  table.dead.erase(key);
  table.dead.erase(new_key);
  enqueue(table, new_key, 0, now);
}

bool Database::lock_row(VectorizerId id, const std::string& key, bool changes_text) {
  bool held = false;
  each_over(id, [&](Table& table) {
    const auto found = table.rows.find(key);
    if (found == table.rows.end() || found->second.held) return;
    found->second.held = held = true;
    found->second.text_pending = changes_text;
  });
  return held;
}

void Database::finish(VectorizerId id, const std::string& key, const std::optional<std::string>& new_text,
                      Instant now) {
  if (!tables.at(id).rows.contains(key)) return;
  each_over(id, [&](Table& table) {
    Row& row = table.rows.at(key);
    row.held = row.text_pending = false;
  });
  if (new_text) put(id, key, *new_text, now);
}

void Database::finish_by_removing(VectorizerId id, const std::string& key) {
  finish(id, key, std::nullopt, Instant{});
  remove(id, key);
}

Claim Database::claim(const ClaimRequest& request, const std::string& called, Instant now) {
  Claim claim{.request = request, .jobs = std::vector<Job>{}};
  const auto found = tables.find(request.vectorizer);
  if (found == tables.end() || found->second.dropped) {
    claim.jobs = no_such_table();
    return claim;
  }
  if (found->second.locked) {
    claim.jobs = lock_timeout();
    return claim;
  }
  if (destination(found->second, called) == nullptr) {
    claim.jobs = no_such_table();
    return claim;
  }
  Table& table = found->second;
  std::vector<std::tuple<int, Instant, std::string>> due;
  for (const auto& [key, queued] : table.queue) {
    if (queued.run_at > now) continue;
    const auto row = table.rows.find(key);
    const bool locked = row != table.rows.end() && row->second.text_pending;
    if (!locked) due.emplace_back(queued.priority, queued.run_at, key);
  }
  std::sort(due.begin(), due.end());
  std::size_t bytes = 0;
  for (const auto& [priority, run_at, key] : due) {
    const auto row = table.rows.find(key);
    const std::size_t size = row == table.rows.end() ? 0 : row->second.text.size();
    if (claim.jobs->size() >= request.max_rows ||
        (!claim.jobs->empty() && bytes + size > request.max_text_bytes)) {
      claim.more = true;
      break;
    }
    bytes += size;
    QueuedJob& queued = table.queue.at(key);
    if (queued.lease) ++claim.rescued;
    claim.jobs->push_back(lease(table, key, queued, request, now));
  }
  return claim;
}

Job Database::lease(Table& table, const std::string& key, QueuedJob& queued, const ClaimRequest& request,
                    Instant now) {
  Job job{.vectorizer = request.vectorizer,
          .lease = request.lease,
          .key = key,
          .attempt = queued.attempt,
          .rescued = queued.lease.has_value()};
  if (const auto found = wasted.find({request.vectorizer, key}); found != wasted.end() && !forgets_waste)
    job.wasted = {.level = found->second.level, .ago = std::max(now - found->second.at, Duration{})};
  const auto row = table.rows.find(key);
  if (row == table.rows.end() || blank(row->second.text)) {
    job.task = Task::clear;
  } else {
    job.text_hash = hash_of(row->second.text);
    if (stores(table, key) && is_proven(table, key, job.text_hash) && is_as_proven(table, key))
      job.task = Task::current;
    else if (table.chunks != 0)
      lease_of_store(table, row->second.text, queued, job);
    else if (queued.kept && queued.kept_hash == job.text_hash)
      job.task = Task::store_kept;
    else
      job.text = row->second.text;
  }
  if (queued.priority == 0) job.age = now - queued.changed_at;
  queued.lease = request.lease;
  queued.run_at = now + request.lease_time;
  return job;
}

Receipt Database::settle(const Settlement& settlement, const std::string& called, Instant now) {
  const auto found = tables.find(settlement.vectorizer);
  if (found == tables.end() || found->second.dropped) return {settlement.id, no_such_table()};
  Table& table = found->second;
  // These do not touch the user's table; the queue is ours.
  const bool stores = settlement.action == Action::complete;
  const bool touches = settlement.action != Action::keep && settlement.action != Action::reschedule &&
                       settlement.action != Action::extend;
  if (!table.extends && settlement.action == Action::extend) return {settlement.id, lock_timeout()};
  if (table.locked && touches) return {settlement.id, lock_timeout()};
  Table* const at = touches ? destination(table, called) : &table;
  if (at == nullptr) return {settlement.id, no_such_table()};
  if (stores) {
    if (table.refuses_writes) return {settlement.id, fail(ErrorKind::misconfigured, "permission denied")};
    if (settlement.jobs.size() > table.takes_rows)
      return {settlement.id, fail(ErrorKind::canceled, "canceling statement due to statement timeout")};
    for (const SettledJob& job : settlement.jobs)
      if (table.refused_keys.contains(job.key))
        return {settlement.id, fail(ErrorKind::rejected, "a check constraint refuses the vector")};
  }
  std::vector<Outcome> outcomes;
  for (const SettledJob& job : settlement.jobs)
    outcomes.push_back(settle_one(table, *at, settlement, job, now));
  return {settlement.id, std::move(outcomes)};
}

Outcome Database::settle_one(Table& table, Table& at, const Settlement& settlement, const SettledJob& job,
                             Instant now) {
  const auto found = table.queue.find(job.key);
  if (found == table.queue.end() || found->second.lease != job.lease) return Outcome::gone;
  const auto row = table.rows.find(job.key);
  if (row != table.rows.end() && row->second.text_pending) return Outcome::busy;
  QueuedJob& queued = found->second;
  switch (settlement.action) {
    case Action::complete:
    case Action::keep:
      return table.chunks != 0 ? swap_one(table, at, settlement, job, queued, now)
                               : complete_one(table, at, settlement, job, queued, now);
    case Action::clear: return clear_one(table, at, job, queued, now);
    case Action::extend: queued.run_at = now + settlement.delay; return Outcome::done;
    case Action::stage: return stage_one(table, job, queued, now);
    case Action::drop:
      if (row == table.rows.end() || !is_as_proven(table, job.key)) return Outcome::stale;
      if (table.chunks != 0) unstage(table, job.key);
      table.queue.erase(found);
      return Outcome::done;
    case Action::reschedule:
      queued.lease.reset();
      queued.run_at = now + settlement.delay;
      if (job.wasted > 0) {
        WastedRow& row_wasted = wasted[{settlement.vectorizer, job.key}];
        const double forgotten = to_seconds(now - row_wasted.at) * SpendingBrake::kForgottenASecond;
        row_wasted = {.level = job.wasted + std::max(row_wasted.level - forgotten, 0.0), .at = now};
      }
      if (settlement.charge_attempt) {
        ++queued.attempt;
        if (witness.charged) witness.charged(table, job.key, settlement.reason);
      }
      return Outcome::done;
    case Action::discard: {
      const bool absent = row == table.rows.end() || blank(row->second.text);
      if ((absent ? 0 : hash_of(row->second.text)) != job.text_hash) return make_stale(queued);
      if (settlement.clear_vector && row != table.rows.end() && (row->second.vector || table.chunks != 0)) {
        if (row->second.held) return Outcome::busy;
        at.rows.at(job.key).vector.reset();
        table.ledger.erase(job.key);
        forget_chunks(table, job.key);
      }
      if (witness.charged) witness.charged(table, job.key, settlement.reason);
      table.dead[job.key] = {settlement.reason, settlement.message, job.text_hash};
      table.queue.erase(found);
      return Outcome::done;
    }
  }
  return Outcome::gone;
}

Outcome Database::complete_one(Table& table, Table& at, const Settlement& settlement, const SettledJob& job,
                               QueuedJob& queued, Instant now) {
  const auto row = table.rows.find(job.key);
  const bool keeps = settlement.action == Action::keep;
  if (!keeps && (row == table.rows.end() || table.reads_differently || table.unlike_keys.contains(job.key) ||
                 hash_of(row->second.text) != job.text_hash))
    return make_stale(queued);
  std::vector<float> vector;
  if (job.slot >= 0) {
    const std::size_t dimensions = settlement.vectors.dimensions;
    const float* from = settlement.vectors.values.data() + static_cast<std::size_t>(job.slot) * dimensions;
    vector.assign(from, from + dimensions);
  } else if (queued.kept) {
    vector = *queued.kept;
  } else {
    return make_stale(queued);
  }
  if (keeps || row->second.held) {
    if (!queued.kept) queued.kept_at = now;
    queued.kept = std::move(vector);
    queued.kept_hash = job.text_hash;
    give_back(queued, now);
    return Outcome::kept;
  }
  Row& written = at.rows.at(job.key);
  written.vector = std::move(vector);
  Proof& proof = table.ledger[job.key];
  if (proof.text_hash != job.text_hash) proof.repairs = 0;
  proof.text_hash = job.text_hash;
  proof.vector = *written.vector;
  table.queue.erase(job.key);
  if (witness.stored) witness.stored(at, job.key, written.text);
  if (table.vectorizer.rows != 0) arrived(tables.at(table.vectorizer.rows), job.key, now);
  if (table.rewrites_texts)
    put(settlement.vectorizer, job.key, fmt::format("text {} of {}", ++rewritten_, job.key), now);
  return Outcome::done;
}

Outcome Database::clear_one(Table& table, Table& at, const SettledJob& job, QueuedJob& queued, Instant now) {
  const auto row = table.rows.find(job.key);
  if (row != table.rows.end()) {
    if (!blank(row->second.text)) return make_stale(queued);
    if (row->second.held) {
      give_back(queued, now);
      return Outcome::kept;
    }
    at.rows.at(job.key).vector.reset();
  }
  forget_chunks(table, job.key);
  table.ledger.erase(job.key);
  table.queue.erase(job.key);
  return Outcome::done;
}

Duration Database::reserve(const Reservation& reservation, Instant now) {
  Account& account = accounts[reservation.account()];
  const auto free_at = [&](Instant at) {
    return std::max(std::min(at, now + std::chrono::minutes(15)), now + reservation.closed_for);
  };
  const Instant requests = free_at(account.requests_at), tokens = free_at(account.tokens_at);
  account = {.requests_at = requests + reservation.requests_time,
             .tokens_at = tokens + reservation.tokens_time};
  return std::max(requests, tokens) - now;
}

void Database::remember(const LimitsRecord& record, Instant now) {
  limits[{record.endpoint, record.model, record.dimensions}] = {.limits = record.limits, .at = now};
}

std::vector<VectorizerState> Database::poll(Instant now) {
  std::vector<VectorizerState> states;
  for (auto& [id, table] : tables) {
    if (table.dropped) continue;
    VectorizerState state{.vectorizer = table.vectorizer};
    if (const VectorizerId of = table.vectorizer.rows; of != 0 && tables.at(of).vectorizer.stopped)
      state.vectorizer.stopped = true;
    state.waiting = !table.queue.empty();
    state.jobs_estimate = static_cast<std::int64_t>(table.queue.size());
    state.dead_letters = static_cast<std::int64_t>(table.dead.size());
    for (const auto& [key, queued] : table.queue) {
      if (queued.run_at > now) continue;
      state.due = true;
      state.oldest = std::max(state.oldest.value_or(Duration{}), now - queued.run_at);
    }
    const bool time = !table.walked || now - std::max(table.walked_at, table.walk_put_off_at) >= walk_every;
    state.walk_due = time && table.walk_until <= now;
    const Vectorizer& is = table.vectorizer;
    if (const auto known = limits.find({is.endpoint, is.model, is.dimensions});
        known != limits.end() && now - known->second.at < std::chrono::hours(24))
      state.remembered = known->second.limits;
    tell_budget(table, now, state);
    states.push_back(state);
  }
  return states;
}

std::size_t Database::jobs() const {
  std::size_t jobs = 0;
  for (const auto& [id, table] : tables)
    if (!table.dropped) jobs += table.queue.size();
  return jobs;
}

}  // namespace embedd::sim
