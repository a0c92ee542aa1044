// The part of the simulated database that knows stores: rows that are cut, and chunks that are staged, asked
// for, placed.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "support/sim_database.h"

namespace embedd::sim {

namespace {

constexpr Duration kLooksAgain = seconds(15);

/// The row is to be cut from its begin.
void cut_again(QueuedJob& queued) {
  queued.cut = {};
  queued.cut_hash = 0;
  queued.cut_through = false;
}

}  // namespace

void give_back(QueuedJob& queued, Instant now) {
  if (queued.kept_at == Instant{}) queued.kept_at = now;
  queued.lease.reset();
  queued.run_at = now + std::clamp<Duration>(now - queued.kept_at, milliseconds(500), seconds(30));
}

bool has_chunks(const Table& table, const std::string& key) {
  const auto stored = table.store.find(key);
  if (stored == table.store.end() || stored->second.empty()) return false;
  return std::ranges::all_of(table.placed.of(key),
                             [&](const auto& placed) { return stored->second.contains(placed.first); });
}

const std::vector<float>* Database::vector_of_chunk(const Table& table, const std::string& sent) const {
  const Table& waiting = tables.at(table.chunks);
  const auto row = waiting.rows.find(sent);
  if (row != waiting.rows.end() && row->second.vector) return &*row->second.vector;
  for (const std::string& key : table.placed.rows_with(sent)) {
    const auto stored = table.store.find(key);
    if (stored == table.store.end()) continue;
    for (const auto& [number, placed] : table.placed.of(key)) {
      const auto chunk = stored->second.find(number);
      if (placed.sent == sent && chunk != stored->second.end() && chunk->second.vector == placed.vector)
        return &chunk->second.vector;
    }
  }
  return nullptr;
}

bool Database::all_known(const Table& table, const std::string& key) const {
  return std::ranges::all_of(table.staged.of(key), [&](const auto& staged) {
    return vector_of_chunk(table, staged.second.sent) != nullptr;
  });
}

// ── What users do

void Database::write_to_store(VectorizerId id, const std::string& key, int number,
                              std::optional<StoredChunk> chunk, Instant now) {
  Table& table = tables.at(id);
  const auto stored = table.store.find(key);
  if (stored == table.store.end() || !stored->second.contains(number)) return;
  write_to_store_behind_triggers(id, key, number, std::move(chunk));
  table.dead.erase(key);
  enqueue(table, key, 0, now);
}

void Database::write_to_store_behind_triggers(VectorizerId id, const std::string& key, int number,
                                              std::optional<StoredChunk> chunk) {
  Table& table = tables.at(id);
  const auto stored = table.store.find(key);
  if (stored == table.store.end() || !stored->second.contains(number)) return;
  table.written_to.insert(key);
  if (chunk)
    stored->second.at(number) = std::move(*chunk);
  else
    stored->second.erase(number);
}

void Database::forget_chunks(Table& table, const std::string& key) {
  if (table.chunks == 0) return;
  unstage(table, key);
  table.placed.erase(key);
  table.store.erase(key);
  table.written_to.erase(key);
}

void Database::move_chunks(Table& table, const std::string& key, const std::string& new_key) {
  if (table.chunks == 0) return;
  if (!table.store.contains(new_key)) {
    if (auto stored = table.store.extract(key)) {
      stored.key() = new_key;
      table.store.insert(std::move(stored));
    }
    if (table.written_to.erase(key) > 0) table.written_to.insert(new_key);
  }
  table.placed.move(key, new_key);
}

// ── Chunks that wait for vectors

void Database::ask_for(const Table& table, const std::string& sent, Instant now) {
  if (tables.at(table.chunks).rows.contains(sent)) return;
  put(table.chunks, sent, sent, now);
  // Whoever asks for a chunk that was forgotten may have it bought once more.
  owners[sent].emplace(table.chunks, fmt::format("asked for, {}", ++asked_));
}

void Database::unask(const Table& table, const std::set<std::string>& sent) {
  for (const std::string& each : sent)
    if (table.staged.rows_with(each).empty()) remove(table.chunks, each);
}

void Database::unstage(Table& table, const std::string& key) { unask(table, table.staged.erase(key)); }

/// A later window may need them: they stay staged under negative numbers.
void Database::set_aside(Table& table, const std::string& key) {
  std::set<std::string> aside;
  std::map<int, StagedChunk> staged = table.staged.of(key);
  int number = std::min(staged.empty() ? 0 : staged.begin()->first, 0);
  for (const auto& [at, chunk] : staged)
    if (aside.insert(chunk.sent).second && at >= 0)
      table.staged.put(key, --number, {.chunk = "", .sent = chunk.sent});
}

void Database::arrived(Table& table, const std::string& sent, Instant now) {
  for (const std::string& key : table.staged.rows_with(sent)) {
    const auto queued = table.queue.find(key);
    if (queued == table.queue.end() || !queued->second.cut_through || queued->second.lease) continue;
    const auto row = table.rows.find(key);
    const bool locked = row != table.rows.end() && row->second.text_pending;
    if (!locked && queued->second.run_at > now && all_known(table, key)) queued->second.run_at = now;
  }
}

void Database::sweep(Table& table) {
  if (table.chunks == 0) return;
  std::set<std::string> asked;
  for (const auto& [sent, row] : tables.at(table.chunks).rows) asked.insert(sent);
  unask(table, asked);
  std::vector<std::string> without_job;
  for (const auto& [key, chunks] : table.staged.rows())
    if (!table.queue.contains(key) && !table.dead.contains(key)) without_job.push_back(key);
  for (const std::string& key : without_job) table.staged.erase(key);
}

// ── What workers do

/// `text` has not been put into the store.
void Database::lease_of_store(const Table& table, const std::string& text, const QueuedJob& queued,
                              Job& job) const {
  const Table& waiting = tables.at(table.chunks);
  if (queued.cut_through && queued.cut_hash == job.text_hash) {
    bool lost = false, lacks = false;
    for (const auto& [number, staged] : table.staged.of(job.key)) {
      if (const auto dead = waiting.dead.find(staged.sent); dead != waiting.dead.end()) {
        job.task = Task::refused;
        job.refusal = std::make_shared<const Error>(
            Error{ErrorKind::rejected, fmt::format("chunk {}: {}", number + 1, dead->second.message)});
        return;
      }
      if (vector_of_chunk(table, staged.sent) != nullptr) continue;
      lacks = true;
      lost = lost || !waiting.rows.contains(staged.sent);
    }
    job.task = lacks ? Task::wait : Task::store_kept;
    if (!lost) return;
  }
  job.task = Task::cut;
  if (queued.cut_hash == job.text_hash && !queued.cut_through) job.cut_from = queued.cut;
  const auto from = static_cast<std::size_t>(job.cut_from.characters);
  job.text = text.substr(from, table.window);
  job.cut_ends = text.size() - from <= table.window;
  job.whole_bytes = text.size();
}

Outcome Database::stage_one(Table& table, const SettledJob& job, QueuedJob& queued, Instant now) {
  const auto row = table.rows.find(job.key);
  if (row == table.rows.end() || table.reads_differently || table.unlike_keys.contains(job.key) ||
      hash_of(row->second.text) != job.text_hash)
    return Outcome::stale;
  const bool last = job.cut->last;
  if (job.first_chunk == 0 && !last) set_aside(table, job.key);
  std::set<std::string> replaced;
  bool asks = false;
  int number = job.first_chunk;
  for (const Chunk& chunk : job.cut->chunks) {
    const auto& staged = table.staged.of(job.key);
    if (const auto former = staged.find(number); former != staged.end()) replaced.insert(former->second.sent);
    table.staged.put(job.key, number++, {.chunk = chunk.text, .sent = chunk.sent});
    if (vector_of_chunk(table, chunk.sent) != nullptr) continue;
    asks = true;
    ask_for(table, chunk.sent, now);
  }
  if (last)
    replaced.merge(table.staged.erase_if(
        job.key, [chunks = job.cut->next.chunks](int at) { return at < 0 || at >= chunks; }));
  unask(table, replaced);
  queued.lease.reset();
  queued.cut = job.cut->next;
  queued.cut_hash = job.text_hash;
  queued.cut_through = last;
  queued.run_at = now + (last && asks ? kLooksAgain : Duration{});
  return Outcome::done;
}

Outcome Database::swap_one(Table& table, Table& at, const Settlement& settlement, const SettledJob& job,
                           QueuedJob& queued, Instant now) {
  if (settlement.action == Action::keep) {
    give_back(queued, now);
    return Outcome::kept;
  }
  const auto row = table.rows.find(job.key);
  if (row == table.rows.end() || table.reads_differently || table.unlike_keys.contains(job.key) ||
      hash_of(row->second.text) != job.text_hash) {
    cut_again(queued);
    queued.kept_at = Instant{};
    return Outcome::stale;
  }
  const bool staged = queued.cut_through && queued.cut_hash == job.text_hash;
  if (staged && row->second.held) {
    give_back(queued, now);
    return Outcome::kept;
  }
  const std::map<int, StagedChunk> chunks = table.staged.of(job.key);
  if (!staged || chunks.empty() || !all_known(table, job.key)) {
    give_back(queued, now);
    queued.run_at = now;
    cut_again(queued);
    return Outcome::kept;
  }
  StoredChunks stored;
  for (const auto& [number, chunk] : chunks)
    stored[number] = {.chunk = chunk.chunk, .vector = *vector_of_chunk(table, chunk.sent)};
  table.placed.erase(job.key);
  for (const auto& [number, chunk] : chunks)
    table.placed.put(job.key, number, {.sent = chunk.sent, .vector = stored.at(number).vector});
  at.store[job.key] = std::move(stored);
  at.written_to.erase(job.key);
  unstage(table, job.key);
  Proof& proof = table.ledger[job.key];
  if (proof.text_hash != job.text_hash) proof.repairs = 0;
  proof.text_hash = job.text_hash;
  proof.chunks = at.store.at(job.key);
  table.queue.erase(job.key);
  if (witness.swapped) witness.swapped(at, job.key);
  return Outcome::done;
}

}  // namespace embedd::sim
