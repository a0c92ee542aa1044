#include <fmt/format.h>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/output.h"
#include "pg/inspect.h"

namespace embedd::cli {

Result<int> grants(Context& context, const std::string& role) {
  if (role.empty()) return fail(ErrorKind::invalid_argument, "name the role: embedd grants ROLE");
  auto db = connect(context);
  if (!db) return std::unexpected(db.error());
  auto grants = pg::missing_grants(*db, role);
  if (!grants) return std::unexpected(grants.error());
  if (context.json) {
    JsonWriter json;
    json.object().key("role").value(role).key("grants").array();
    for (const std::string& grant : *grants) json.value(grant);
    print(json.end().end().str() + "\n");
    return kDone;
  }
  // For psql: an identifier is printed as it is, quoted as SQL wants it.
  for (const std::string& grant : *grants) print(fmt::format("{};\n", grant));
  return kDone;
}

}  // namespace embedd::cli
