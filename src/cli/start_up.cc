#include "cli/start_up.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>

#include "base/log.h"
#include "cli/database.h"
#include "pg/migrate.h"

namespace embedd::cli {

namespace {

constexpr milliseconds kFirstPause{250};
constexpr milliseconds kLongestPause{10'000};

bool mends_itself(ErrorKind kind) {
  return kind == ErrorKind::unavailable || kind == ErrorKind::conflict || kind == ErrorKind::in_doubt;
}

/// Sleeps for a half to the whole of `pause`; false when stopped.
bool sleep(Duration pause, std::stop_token stop) {
  static std::minstd_rand random{std::random_device()()};
  const double share = std::uniform_real_distribution<>(0.5, 1.0)(random);
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any().wait_for(lock, stop, pause * share, [] { return false; });
  return !stop.stop_requested();
}

Result<void> migrate_once(const Context& context) {
  auto db = connect(context, Schema::optional, true);
  if (!db) return std::unexpected(db.error());
  auto migrated = pg::migrate(*db);
  if (!migrated) return std::unexpected(migrated.error());
  for (const std::string& file : migrated->applied) log::info("migration_applied", {{"file", file}});
  return {};
}

}  // namespace

Result<bool> migrate_when_up(const Context& context, Observer& observer, std::stop_token stop,
                             std::optional<Duration> at_most) {
  const auto began = std::chrono::steady_clock::now();
  Duration pause = kFirstPause;
  while (!stop.stop_requested()) {
    auto migrated = migrate_once(context);
    if (migrated) return true;
    const bool too_long = at_most && std::chrono::steady_clock::now() - began >= *at_most;
    if (too_long || !mends_itself(migrated.error().kind)) return std::unexpected(migrated.error());
    observer.database_error("start", migrated.error());
    if (!sleep(pause, stop)) break;
    pause = std::min<Duration>(pause * 2, kLongestPause);
  }
  return false;
}

}  // namespace embedd::cli
