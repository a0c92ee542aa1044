#include "cli/database.h"

#include <fmt/format.h>

namespace embedd::cli {

Result<pg::Connection> connect(const Context& context) {
  const pg::DatabaseTarget& target = context.config.database;
  auto db = pg::Connection::open(target.conninfo);
  if (db) return db;
  Error error = std::move(db.error());
  error.message = fmt::format("{}: {}", target.display, redact(std::move(error.message), target.password));
  return std::unexpected(std::move(error));
}

}  // namespace embedd::cli
