#include "cli/database.h"

#include <fmt/format.h>

#include "base/redaction.h"
#include "pg/migrate.h"

namespace embedd::cli {

Result<pg::Connection> connect(const Context& context, Schema schema, bool to_write) {
  const pg::DatabaseTarget& target = context.config.database;
  const auto failed = [&](Error error) {
    error.message = fmt::format("{}: {}", target.display, redact(error.message));
    return std::unexpected(std::move(error));
  };
  auto db = pg::Connection::open(target.conninfo, "embedd", to_write);
  if (!db) return failed(std::move(db.error()));
  if (schema == Schema::optional) return db;
  if (auto there = pg::require_schema(*db); !there) return failed(std::move(there.error()));
  return db;
}

}  // namespace embedd::cli
