#include "app/migrate.h"

#include "app/database.h"

namespace embedd::app {

Result<pg::Migrated> migrate(const Settings& settings) {
  auto db = connect(settings, Schema::optional, true);
  if (!db) return std::unexpected(db.error());
  return pg::migrate(*db);
}

}  // namespace embedd::app
