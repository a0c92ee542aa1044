#include <fmt/format.h>

#include "app/database.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "pg/migrate.h"

namespace embedd::cli {

Result<int> migrate(Context& context) {
  auto db = app::connect(context.config, app::Schema::optional, true);
  if (!db) return std::unexpected(db.error());
  auto migrated = pg::migrate(*db);
  if (!migrated) return std::unexpected(migrated.error());

  if (context.json) {
    JsonWriter json;
    json.object().key("version").value(migrated->version).key("applied").array();
    for (const std::string& file : migrated->applied) json.value(file);
    print(json.end().end().str() + "\n");
    return kDone;
  }
  for (const std::string& file : migrated->applied) print(fmt::format("applied {}\n", file));
  print(fmt::format("{} schema embedd is at version {}\n", paint(Colour::green, "ok"), migrated->version));
  return kDone;
}

}  // namespace embedd::cli
