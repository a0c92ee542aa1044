/// Whether notifications from one session arrive in another. They do not pass through a pooler, nor to
/// another server or another database.
#pragma once

#include "pg/connection.h"

namespace embedd::pg {

/// True if the connection ends at the server itself, so that session state, such as LISTEN, stays with it.
Result<bool> is_direct(Connection& db);

/// Listens on `listener`, notifies on `notifier`, and waits at most two seconds.
Result<bool> hears(Connection& listener, Connection& notifier);

}  // namespace embedd::pg
