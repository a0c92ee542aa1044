#include "app/vector_index.h"

#include <chrono>
#include <thread>
#include <utility>

#include "app/database.h"

namespace embedd::app {
namespace {

constexpr seconds kBetweenLooks{1};

/// Waits until the backlog is done, or the time is up. Writes the result to `out`.
Result<void> wait_for_backlog(pg::Connection& db, const ReindexRequest& request, const ReindexHooks& hooks,
                              Reindexed& out) {
  const auto began_at = std::chrono::steady_clock::now();
  while (true) {
    auto backlog = TRY(schema::read_backlog(db, out.info));
    out.backlog = backlog;
    if (request.now || out.backlog.done()) return {};
    const double passed = to_seconds(std::chrono::steady_clock::now() - began_at);
    out.gave_up = request.wait_seconds >= 0 && passed >= request.wait_seconds;
    if (out.gave_up) return {};
    hooks.waiting(out.info, out.backlog);
    std::this_thread::sleep_for(kBetweenLooks);
  }
}

/// Connects directly if a direct URL is known, because the build's settings need a session of their own.
Result<pg::Connection> connect_builder(const Settings& settings) {
  return connect(settings.listen.conninfo.empty() ? settings.database : settings.listen);
}

}  // namespace

Result<Reindexed> reindex(const Settings& settings, const ReindexRequest& request,
                          const ReindexHooks& hooks) {
  auto db = TRY(connect(settings));
  Reindexed out{.info = TRY(request.index.empty() ? schema::find_vectorizer(db, request.name)
                                                  : schema::choose_index(db, request.name, request.index))};
  // Checked before the wait, which would be in vain for a role that may not build.
  TRY(schema::check_index_owner(db, out.info));
  if (TRY(schema::index_wanted(db, out.info))) {
    TRY(wait_for_backlog(db, request, hooks, out));
    if (out.gave_up) return out;
  }
  auto builder = TRY(connect_builder(settings));
  out.built = TRY(schema::build_indexes(db, builder, out.info, request.build, hooks.building));
  return out;
}

Result<Deferral> defer_indexes(const Settings& settings, const std::string& name,
                               const std::vector<std::string>& drop) {
  auto db = TRY(connect(settings));
  Deferral out{.info = TRY(schema::find_vectorizer(db, name))};
  if (drop.empty())
    out.droppable = TRY(schema::deferrable_indexes(db, out.info));
  else
    TRY(schema::defer_indexes(db, out.info, drop));
  return out;
}

}  // namespace embedd::app
