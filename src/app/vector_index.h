/// Building a vectorizer's vector index once its backlog has drained, and dropping it before one.
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

/// Called while a request takes its time; may not be null.
struct ReindexHooks {
  std::function<void(const schema::VectorizerInfo&, const schema::Backlog&)> waiting;  ///< once a second
  std::function<void(const schema::BuildProgress&)> building;
};

struct Reindexed {
  schema::VectorizerInfo info;
  bool gave_up = false;       ///< the backlog did not drain in time; nothing was built
  schema::Backlog backlog{};  ///< as it was last seen, if it was waited for
  std::vector<schema::BuiltIndex> built{};
};

/// Errors: those of schema::choose_index(), schema::check_index_owner() and schema::build_indexes(), and the
/// connection's.
Result<Reindexed> reindex(const Settings& settings, const ReindexRequest& request, const ReindexHooks& hooks);

struct Deferral {
  schema::VectorizerInfo info;
  std::vector<std::string> droppable{};  ///< what `drop` could name; filled in if it named nothing
};

/// Drops the indexes that `drop` names; none: says which could be. Errors: those of schema::defer_indexes(),
/// and the connection's.
Result<Deferral> defer_indexes(const Settings& settings, const std::string& name,
                               const std::vector<std::string>& drop);

}  // namespace embedd::app
