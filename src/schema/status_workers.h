/// Reads what running workers say about themselves and about their endpoints.
#pragma once

#include <vector>

#include "pg/connection.h"
#include "schema/status.h"

namespace embedd::schema {

Result<std::vector<WorkerStatus>> read_workers(pg::Connection& db);
Result<std::vector<EndpointStatus>> read_endpoints(pg::Connection& db);

}  // namespace embedd::schema
