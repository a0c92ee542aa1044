/// Whether notifications sent in one session arrive in another: not through a pooler, and not on another
/// server or in another database.
#pragma once

#include "pg/connection.h"

namespace embedd::pg {

/// It ends at the server itself: session state, such as LISTEN, stays with it.
Result<bool> is_direct(Connection& db);

/// Listens on one, notifies on the other, and waits for at most two seconds.
Result<bool> hears(Connection& listener, Connection& notifier);

}  // namespace embedd::pg
