/// The settings of the worker's sessions and of each of their transactions.
#pragma once

#include <string>

#include "pg/pipeline.h"

namespace embedd::pg {

/// The settings of every statement, as one SELECT that begins its transaction. They hold for that transaction
/// only, because a user's trigger runs in this session when the worker writes, and may leave any setting or
/// role behind. `path`: SQL for the search_path that the role or the database prescribes.
std::string settings_sql(const PipelineOptions& options, const std::string& path);

/// Set once per session, on direct connections.
inline constexpr const char* kSessionSettings =
    "SELECT pg_catalog.set_config('default_transaction_isolation', 'read committed', false), "
    "pg_catalog.set_config('idle_session_timeout', '0', false)";

}  // namespace embedd::pg
