#include "app/database.h"

#include <fmt/format.h>

#include <chrono>

#include "base/redaction.h"
#include "pg/notifications.h"
#include "schema/migrate.h"

namespace embedd::app {

Result<pg::Connection> connect(const Settings& settings, Schema schema, bool to_write) {
  return connect(settings.database, schema, to_write);
}

Result<pg::Connection> connect(const pg::DatabaseTarget& target, Schema schema, bool to_write) {
  const auto failed = [&](Error error) {
    error.message = fmt::format("{}: {}", target.display, redact(error.message));
    return std::unexpected(std::move(error));
  };
  auto db = pg::Connection::open(target.conninfo, "embedd", to_write);
  if (!db) return failed(std::move(db.error()));
  if (schema == Schema::optional) return db;
  if (auto there = schema::require_schema(*db); !there) return failed(std::move(there.error()));
  return db;
}

Result<pg::Connection> connect_for_server(const Settings& settings, Duration most) {
  auto db = TRY(connect(settings));
  if (!TRY(pg::is_direct(db))) return db;
  const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(most).count();
  TRY(
      db.exec("SELECT pg_catalog.set_config('statement_timeout', $1, false), "
              "pg_catalog.set_config('lock_timeout', '500ms', false)",
              {std::to_string(ms)}));
  return db;
}

}  // namespace embedd::app
