#include "cli/start_up.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <random>
#include <utility>

#include "base/log.h"
#include "cli/database.h"
#include "cli/model.h"
#include "pg/migrate.h"
#include "pg/traces.h"

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

/// False if there is no table to adopt yet.
Result<bool> adopt_traces(const Context& context) {
  pg::TracesOptions options{.adopt_only = true};
  auto model = model_for(context.config, options.endpoint, "");
  if (!model) return std::unexpected(model.error());
  options.model = std::move(*model);
  auto db = connect(context, Schema::required, true);
  if (!db) return std::unexpected(db.error());
  auto there = pg::has_traces(*db);
  if (!there || !*there) return there;
  auto report = pg::init_traces(*db, options);
  if (!report) return std::unexpected(report.error());
  if (report->created_vectorizer) log::info("vectorizer_created", {{"vectorizer", report->vectorizer.name}});
  return true;
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

Result<bool> adopt_traces_when_there(const Context& context, Observer& observer, std::stop_token stop,
                                     bool wait) {
  Duration pause = kFirstPause;
  for (bool told = false; !stop.stop_requested(); pause = std::min<Duration>(pause * 2, kLongestPause)) {
    auto adopted = adopt_traces(context);
    if (adopted && *adopted) return true;
    if (!adopted && !mends_itself(adopted.error().kind)) return std::unexpected(adopted.error());
    if (!adopted) observer.database_error("traces", adopted.error());
    if (!wait)
      return adopted ? fail(ErrorKind::misconfigured, "there is no table traces yet")
                     : std::unexpected(adopted.error());
    if (adopted && !std::exchange(told, true))
      log::info("waiting_for_table",
                {{"table", "traces"}, {"effect", "nothing is embedded until it is there"}});
    if (!sleep(pause, stop)) break;
  }
  return false;
}

}  // namespace embedd::cli
