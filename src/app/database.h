/// How use cases reach the database.
#pragma once

#include "app/settings.h"
#include "base/error.h"
#include "pg/connection.h"

namespace embedd::app {

/// Whether a use case can do without the schema `embedd`.
enum class Schema { required, optional };

/// Connects. Errors, naming the database without its password: the connection's, and misconfigured if the
/// schema is required and is not there, or is older than this binary.
/// `to_write`: of several hosts, to the one that can be written to.
Result<pg::Connection> connect(const Settings& settings, Schema schema = Schema::required,
                               bool to_write = false);

/// The same for a target other than the settings' database.
Result<pg::Connection> connect(const pg::DatabaseTarget& target, Schema schema = Schema::required,
                               bool to_write = false);

}  // namespace embedd::app
