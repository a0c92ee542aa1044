// The part of the simulated database that walks tables, and so finds what the triggers never saw.
#include "support/sim_database.h"

namespace embedd::sim {

namespace {

constexpr std::size_t kWalkPage = 50;
constexpr std::size_t kWalkWatermark = 400;
constexpr int kMostRepairs = 3;

}  // namespace

/// Takes the walk, if there is one to take; says so if not.
bool Database::begin_walk(Table& table, int worker, Instant now, WalkPage::Progress& progress) {
  if (table.walk_until > now && table.walker != worker) {
    progress.finished = true;  // another worker walks
    return false;
  }
  if (table.queue.size() >= kWalkWatermark) {
    progress.deferred = true;
    return false;
  }
  const Contents& contents = table;
  const bool due = now - std::max(table.walked_at, table.walk_put_off_at) >= walk_every;
  const bool soon = now - table.walked_at + walk_every < std::chrono::hours(24);
  if (table.walked && due && soon && table.walked_with == contents) {
    progress.finished = progress.put_off = true;
    table.walk_put_off_at = now;
    return false;
  }
  ++table.walks_begun;
  table.walker = worker;
  table.walk_routine = table.walked;
  table.walk_began_with = contents;
  return true;
}

WalkPage Database::walk(VectorizerId id, const Key& cursor, int worker, const std::string& called,
                        Instant now) {
  const auto found = tables.find(id);
  if (found == tables.end() || found->second.dropped) return {id, no_such_table()};
  Table& table = found->second;
  if (table.locked) return {id, lock_timeout()};
  if (destination(table, called) == nullptr) return {id, no_such_table()};
  if (table.refuses_walks) return {id, fail(ErrorKind::misconfigured, "permission denied")};
  WalkPage::Progress progress;
  progress.next = cursor;
  if (cursor.empty() && !begin_walk(table, worker, now, progress)) return {id, progress};
  if (table.walker != worker) {
    progress.finished = true;  // another worker has taken the walk over
    return {id, progress};
  }
  table.walk_until = now + seconds(60);
  if (table.queue.size() >= kWalkWatermark) {
    progress.deferred = true;
    return {id, progress};
  }
  progress.routine = table.walk_routine;
  progress.took = page_takes;
  walking += page_takes;
  sweep(table);
  auto at = cursor.empty() ? table.rows.begin() : table.rows.upper_bound(cursor);
  for (; at != table.rows.end() && progress.scanned < kWalkPage; ++at) {
    const auto& [key, row] = *at;
    ++progress.scanned;
    progress.next = key;
    if (table.queue.contains(key)) continue;
    const auto dead = table.dead.find(key);
    if (dead != table.dead.end()) {
      if (dead->second.text_hash == (blank(row.text) ? 0 : hash_of(row.text))) continue;
      table.dead.erase(dead);  // its text changed behind the triggers: it deserves another try
    }
    const bool filled = stores(table, key);
    const bool proven = filled && is_proven(table, key, hash_of(row.text));
    const bool replaced = proven && !is_as_proven(table, key);
    const auto stored = table.store.find(key);
    const bool any = table.chunks == 0 ? filled : stored != table.store.end() && !stored->second.empty();
    if (blank(row.text) ? !any : proven && !replaced) continue;
    if (!blank(row.text) && replaced && table.ledger.at(key).repairs >= kMostRepairs) {
      ++progress.disputed;
      continue;
    }
    if (!blank(row.text) && replaced) {
      ++table.ledger.at(key).repairs;
      ++progress.replaced;
    }
    enqueue(table, key, 1, now);
    ++progress.enqueued;
  }
  if (progress.disputed > 0) table.walk_began_with.reset();
  if (at == table.rows.end()) {
    progress.finished = true;
    table.walked = true;
    table.walked_at = now;
    table.walk_finished = table.walks_begun;
    table.walk_until = table.walk_put_off_at = Instant{};
    table.walker = -1;
    table.walked_with = std::move(table.walk_began_with);
  }
  return {id, progress};
}

}  // namespace embedd::sim
