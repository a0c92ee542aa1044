/// What the commands share to reach the database.
#pragma once

#include "base/error.h"
#include "cli/context.h"
#include "pg/connection.h"

namespace embedd::cli {

/// Connects. Errors: the connection's, naming the database without its password.
Result<pg::Connection> connect(const Context& context);

}  // namespace embedd::cli
