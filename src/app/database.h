/// Connects use cases to the database.
#pragma once

#include "app/settings.h"
#include "base/error.h"
#include "base/units.h"
#include "pg/connection.h"

namespace embedd::app {

/// Whether a use case can do without the schema `embedd`.
enum class Schema { required, optional };

/// Connects. Errors: the connection's, which name the database without its password; misconfigured if the
/// schema is required but is missing, or is older than this binary. `to_write`: of several hosts, chooses the
/// one that can be written to.
Result<pg::Connection> connect(const Settings& settings, Schema schema = Schema::required,
                               bool to_write = false);

/// The same for a target other than the settings' database.
Result<pg::Connection> connect(const pg::DatabaseTarget& target, Schema schema = Schema::required,
                               bool to_write = false);

/// The same, for a server that must be able to stop: a statement is given up after `most`, and sooner if it
/// waits for a lock. So nobody queues for long behind a statement that waits. Through a pooler, which shares
/// sessions, only the pooler can say so.
Result<pg::Connection> connect_for_server(const Settings& settings, Duration most);

}  // namespace embedd::app
