/// What the commands share to reach the database.
#pragma once

#include "base/error.h"
#include "cli/context.h"
#include "pg/connection.h"

namespace embedd::cli {

/// Whether a command can do without the schema `embedd`.
enum class Schema { required, optional };

/// Connects. Errors, naming the database without its password: the connection's, and misconfigured if the
/// schema is required and is not there, or is older than this binary.
/// `to_write`: of several hosts, to the one that can be written to.
Result<pg::Connection> connect(const Context& context, Schema schema = Schema::required,
                               bool to_write = false);

}  // namespace embedd::cli
