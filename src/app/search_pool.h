/// A bounded pool of connections to the database, each with a thread that runs one job at a time.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "app/settings.h"
#include "base/error.h"
#include "pg/connection.h"
#include "pg/one_trip.h"

namespace embedd::app {

/// What a job works with. Valid during the job.
struct Lent {
  pg::Connection& db;
  pg::OneTrip& trip;
};

class SearchPool {
 public:
  /// Runs with a connection, or with the reason why there is none.
  using Job = std::function<void(Result<Lent>)>;

  /// Connects on first use. A failure to connect is logged, and jobs of the next second fail at once
  /// (unavailable).
  SearchPool(const Settings& settings, int connections);
  /// Waits for the jobs under way; jobs that wait fail with `canceled`.
  ~SearchPool();
  SearchPool(const SearchPool&) = delete;
  SearchPool& operator=(const SearchPool&) = delete;

  /// Thread-safe. A job that no connection has begun by `deadline` fails with `canceled` then.
  void run(Job job, Instant deadline);
  /// A connection was lost, so the others may be lost too: each is opened again before its next job.
  /// Thread-safe.
  void distrust();

 private:
  struct Waiting {
    Job job;
    Instant deadline;
  };
  class Slot;

  void serve();
  void expire();
  std::optional<Waiting> next();
  Result<Lent> lend(Slot& slot);

  const Settings& settings_;
  std::mutex mutex_;
  std::condition_variable changed_, arrived_;
  std::deque<Waiting> waiting_;   ///< guarded by mutex_
  bool stopping_ = false;         ///< guarded by mutex_
  std::uint64_t generation_ = 1;  ///< guarded by mutex_; of connections that are trusted
  Instant down_until_{};          ///< guarded by mutex_
  std::vector<std::thread> threads_;
};

}  // namespace embedd::app
