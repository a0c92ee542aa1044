/// Reads the status for all who watch it: one reading at a time, over one connection, and none while nobody
/// watches.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "app/settings.h"
#include "app/status.h"
#include "base/units.h"

namespace embedd::serve {

class StatusFeed {
 public:
  /// Least time between two readings. A reading that took long is followed by a pause ten times as long, of
  /// 30 s at most; a failed one by 5 s.
  static constexpr Duration kEvery = seconds(2);
  /// A connection that nobody has used for so long is closed.
  static constexpr Duration kIdle = seconds(30);

  using Reading = std::shared_ptr<const Result<app::StatusReport>>;
  /// Is called on the feed's thread, and must not block.
  using Watch = std::function<void(const Reading&)>;

  /// `settings` must outlive this object.
  explicit StatusFeed(const app::Settings& settings);
  /// Waits for the reading under way. Watches are called no more.
  ~StatusFeed();
  StatusFeed(const StatusFeed&) = delete;
  StatusFeed& operator=(const StatusFeed&) = delete;

  /// Calls `watch` once, with the newest reading, or with a new one if the pause after the newest has passed.
  /// Thread-safe.
  void read(Watch watch);
  /// Calls `watch` at once with the newest reading, and with each further one, until it is removed.
  /// Thread-safe.
  std::uint64_t add(Watch watch);
  /// `watch` may be called until this returns, but not later. Thread-safe, but not within a watch.
  void remove(std::uint64_t id);

 private:
  void run();
  Result<app::StatusReport> read_now();

  const app::Settings& settings_;
  std::optional<app::StatusReader> reader_;  ///< the thread's
  std::string problem_;                      ///< the thread's: last logged, to log each once

  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;               ///< guarded by mutex_
  std::vector<Watch> once_;             ///< guarded by mutex_
  std::map<std::uint64_t, Watch> all_;  ///< guarded by mutex_
  std::set<std::uint64_t> new_;         ///< of all_, those that were never called; guarded by mutex_
  std::uint64_t next_id_ = 1;           ///< guarded by mutex_
  std::mutex calling_;                  ///< held while watches are called
  std::thread thread_;
};

}  // namespace embedd::serve
