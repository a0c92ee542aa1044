/// Builds a vectorizer's vector index when its backlog is done, and drops the index before a backlog.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/settings.h"
#include "base/error.h"
#include "base/units.h"
#include "schema/vector_index.h"
#include "schema/vectorizers.h"

namespace embedd::app {

struct ReindexRequest {
  std::string name, index;  ///< index: empty keeps the recorded kind
  /// How long to wait for the backlog; negative: as long as it takes.
  double wait_seconds = -1;
  bool now = false;  ///< do not wait for the backlog
  schema::BuildOptions build{};
};

/// Called while a request waits or builds; may not be null.
struct ReindexHooks {
  std::function<void(const schema::VectorizerInfo&, const schema::Backlog&)> waiting;  ///< once a second
  std::function<void(const schema::BuildProgress&)> building;
};

struct Reindexed {
  schema::VectorizerInfo info;
  bool gave_up = false;       ///< the backlog was not done in time, so nothing was built
  schema::Backlog backlog{};  ///< as last read; empty if it was not waited for
  std::vector<schema::BuiltIndex> built{};
};

/// Errors: those of schema::choose_index(), schema::check_index_owner() and schema::build_indexes(), and the
/// connection's.
Result<Reindexed> reindex(const Settings& settings, const ReindexRequest& request, const ReindexHooks& hooks);

struct Deferral {
  schema::VectorizerInfo info;
  std::vector<std::string> droppable{};  ///< what `drop` could name; filled in if `drop` named nothing
};

/// Drops the indexes that `drop` names. If `drop` is empty, returns the indexes that could be dropped.
/// Errors: those of schema::defer_indexes(), and the connection's.
Result<Deferral> defer_indexes(const Settings& settings, const std::string& name,
                               const std::vector<std::string>& drop);

}  // namespace embedd::app
