#include <fmt/format.h>

#include "app/migrate.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace embedd::cli {

Result<int> migrate(Context& context) {
  const auto migrated = TRY(app::migrate(context.config));

  if (context.json) {
    JsonWriter json;
    json.object().key("version").value(migrated.version).key("applied").array();
    for (const std::string& file : migrated.applied) json.value(file);
    print(json.end().end().str() + "\n");
    return kDone;
  }
  for (const std::string& file : migrated.applied) print(fmt::format("applied {}\n", file));
  print(fmt::format("{} schema embedd is at version {}\n", paint(Colour::green, "ok"), migrated.version));
  return kDone;
}

}  // namespace embedd::cli
