#include "app/start_up.h"

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <random>
#include <utility>

#include "app/migrate.h"
#include "app/traces.h"
#include "base/log.h"
#include "core/retry_policy.h"

namespace embedd::app {

namespace {

bool mends_itself(ErrorKind kind) {
  return kind == ErrorKind::unavailable || kind == ErrorKind::conflict || kind == ErrorKind::in_doubt;
}

/// Sleeps after `failures` failed attempts; false if `stop` came.
bool sleep(unsigned failures, std::stop_token stop) {
  static Random random{std::random_device()()};
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable_any().wait_for(lock, stop, start_pause(failures, random), [] { return false; });
  return !stop.stop_requested();
}

Result<void> migrate_once(const Settings& settings) {
  const auto migrated = TRY(migrate(settings));
  for (const std::string& file : migrated.applied) log::info("migration_applied", {{"file", file}});
  return {};
}

}  // namespace

Duration start_pause(unsigned failures, Random& random) {
  return backoff(milliseconds(250), seconds(10), failures, random);
}

Result<bool> migrate_when_up(const Settings& settings, Observer& observer, std::stop_token stop,
                             std::optional<Duration> at_most) {
  const auto began = std::chrono::steady_clock::now();
  for (unsigned failures = 1; !stop.stop_requested(); ++failures) {
    auto migrated = migrate_once(settings);
    if (migrated) return true;
    const bool too_long = at_most && std::chrono::steady_clock::now() - began >= *at_most;
    if (too_long || !mends_itself(migrated.error().kind)) return std::unexpected(migrated.error());
    observer.database_error("start", migrated.error());
    if (!sleep(failures, stop)) break;
  }
  return false;
}

Result<bool> adopt_traces_when_there(const Settings& settings, Observer& observer, std::stop_token stop,
                                     bool wait) {
  bool told = false;
  for (unsigned failures = 1; !stop.stop_requested(); ++failures) {
    auto adopted = adopt_traces(settings);
    if (adopted && *adopted) return true;
    if (!adopted && !mends_itself(adopted.error().kind)) return std::unexpected(adopted.error());
    if (!adopted) observer.database_error("traces", adopted.error());
    if (!wait)
      return adopted ? fail(ErrorKind::misconfigured, "there is no table traces yet")
                     : std::unexpected(adopted.error());
    if (adopted && !std::exchange(told, true))
      log::info("waiting_for_table",
                {{"table", "traces"}, {"effect", "no row is embedded until the table exists"}});
    if (!sleep(failures, stop)) break;
  }
  return false;
}

}  // namespace embedd::app
