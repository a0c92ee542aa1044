#include "app/migrate.h"

#include "app/database.h"

namespace embedd::app {

Result<schema::Migrated> migrate(const Settings& settings) {
  auto db = connect(settings, Schema::optional, true);
  if (!db) return std::unexpected(db.error());
  return schema::migrate(*db);
}

}  // namespace embedd::app
