#include "pg/notifications.h"

#include <libpq-fe.h>
#include <poll.h>

#include <string>

#include "base/units.h"

namespace embedd::pg {

Result<bool> is_direct(Connection& db) {
  auto backend = TRY(db.exec("SELECT pg_catalog.pg_backend_pid()"));
  return backend.integer(0, 0) == db.backend_pid();
}

Result<bool> hears(Connection& listener, Connection& notifier) {
  auto payload = TRY(notifier.exec("SELECT pg_catalog.gen_random_uuid()"));
  TRY(listener.exec("LISTEN embedd_check"));
  TRY(notifier.exec("SELECT pg_catalog.pg_notify('embedd_check', $1)", {payload.text(0, 0)}));
  PGconn* conn = listener.native();
  const auto deadline = std::chrono::steady_clock::now() + seconds(2);
  while (PQconsumeInput(conn) == 1) {
    while (PGnotify* notice = PQnotifies(conn)) {
      const bool ours = notice->extra == payload.view(0, 0);
      PQfreemem(notice);
      if (ours) return true;
    }
    const auto left = deadline - std::chrono::steady_clock::now();
    pollfd fd{PQsocket(conn), POLLIN, 0};
    if (left <= Duration(0)) return false;
    ::poll(&fd, 1, static_cast<int>(std::chrono::ceil<milliseconds>(left).count()));
  }
  return fail(ErrorKind::unavailable, PQerrorMessage(conn));
}

}  // namespace embedd::pg
