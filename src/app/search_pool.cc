#include "app/search_pool.h"

#include <algorithm>
#include <utility>

#include "app/database.h"
#include "base/log.h"
#include "base/threads.h"

namespace embedd::app {

namespace {

Error down() {
  return {ErrorKind::unavailable, "the database cannot be used now; the log of embedd serve says why"};
}

Error too_late() { return {ErrorKind::canceled, "no connection to the database became free in time"}; }

}  // namespace

/// A thread's connection.
class SearchPool::Slot {
 public:
  [[nodiscard]] bool ready(std::uint64_t generation) const {
    return trip_ && !trip_->broken() && db_->usable() && generation == generation_;
  }
  Result<void> connect(const Settings& settings, std::uint64_t generation) {
    trip_.reset();
    db_.reset();
    pg::DatabaseTarget target = settings.database;
    if (settings.database_now)
      if (auto now = settings.database_now()) target.conninfo = std::move(*now);
    db_.emplace(TRY(app::connect(target)));
    trip_.emplace(TRY(pg::OneTrip::over(*db_)));
    generation_ = generation;
    return {};
  }
  [[nodiscard]] Lent lend() { return {*db_, *trip_}; }

 private:
  std::optional<pg::Connection> db_;
  std::optional<pg::OneTrip> trip_;
  std::uint64_t generation_ = 0;
};

SearchPool::SearchPool(const Settings& settings, int connections) : settings_(settings) {
  for (int i = 0; i < connections; ++i) threads_.push_back(start_thread([this] { serve(); }));
  threads_.push_back(start_thread([this] { expire(); }));
}

SearchPool::~SearchPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
    for (Waiting& waiting : waiting_) waiting.deadline = {};
  }
  changed_.notify_all();
  arrived_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void SearchPool::run(Job job, Instant deadline) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back({std::move(job), stopping_ ? Instant{} : deadline});
  }
  changed_.notify_one();
  arrived_.notify_one();
}

void SearchPool::distrust() {
  const std::lock_guard lock(mutex_);
  ++generation_;
}

std::optional<SearchPool::Waiting> SearchPool::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
  if (waiting_.empty()) return std::nullopt;
  Waiting next = std::move(waiting_.front());
  waiting_.pop_front();
  return next;
}

void SearchPool::serve() {
  Slot slot;
  while (auto waiting = next()) {
    if (std::chrono::steady_clock::now() >= waiting->deadline)
      waiting->job(std::unexpected(too_late()));
    else
      waiting->job(lend(slot));
  }
}

/// Ends jobs whose time has passed while every connection is busy.
void SearchPool::expire() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const auto first = std::ranges::min_element(waiting_, {}, &Waiting::deadline);
    if (first == waiting_.end()) {
      arrived_.wait(lock);
      continue;
    }
    if (std::chrono::steady_clock::now() < first->deadline) {
      arrived_.wait_until(lock, first->deadline);
      continue;
    }
    const Job job = std::move(first->job);
    waiting_.erase(first);
    lock.unlock();
    job(std::unexpected(too_late()));
    lock.lock();
  }
}

Result<Lent> SearchPool::lend(Slot& slot) {
  std::uint64_t generation = 0;
  {
    const std::lock_guard lock(mutex_);
    generation = generation_;
    if (slot.ready(generation)) return slot.lend();
    if (std::chrono::steady_clock::now() < down_until_) return std::unexpected(down());
  }
  if (auto connected = slot.connect(settings_, generation); !connected) {
    // Only the log names the database and the role; clients do not see them.
    log::warn("database_unavailable", {{"error", connected.error().message}});
    const std::lock_guard lock(mutex_);
    down_until_ = std::chrono::steady_clock::now() + seconds(1);
    return std::unexpected(down());
  }
  return slot.lend();
}

}  // namespace embedd::app
