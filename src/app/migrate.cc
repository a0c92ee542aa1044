#include "app/migrate.h"

#include "app/database.h"

namespace embedd::app {

Result<schema::Migrated> migrate(const Settings& settings) {
  auto db = TRY(connect(settings, Schema::optional, true));
  return schema::migrate(db);
}

}  // namespace embedd::app
