#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "app/database.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "pg/inspect.h"

namespace embedd::cli {

namespace {

void write(JsonWriter& json, std::string_view name, const std::vector<std::string>& grants) {
  json.key(name).array();
  for (const std::string& grant : grants) json.value(grant);
  json.end();
}

/// Grants what this role may, and says what that was. Errors: misconfigured, if something is left for
/// another.
Result<int> apply(const Context& context, pg::Connection& db, const std::string& role,
                  const std::vector<std::string>& lacking) {
  // One by one: who may grant half of them has half of the work done. Whether a grant took effect, a refusal
  // or a mere warning, is asked afterwards.
  for (const std::string& grant : lacking)
    if (auto granted = db.exec(grant); !granted && db.last_sqlstate().empty())
      return std::unexpected(granted.error());
  auto left = pg::missing_grants(db, role);
  if (!left) return std::unexpected(left.error());
  std::vector<std::string> granted;
  std::ranges::copy_if(lacking, std::back_inserter(granted),
                       [&](const std::string& grant) { return std::ranges::count(*left, grant) == 0; });
  if (context.json) {
    JsonWriter json;
    json.object().key("role").value(role);
    write(json, "granted", granted);
    write(json, "grants", *left);
    print(json.end().str() + "\n");
  } else {
    for (const std::string& grant : granted) print(grant + "\n");
  }
  if (!left->empty())
    return fail(ErrorKind::misconfigured,
                fmt::format("{} still lacks what this role may not grant; as the owner, run: {};", role,
                            fmt::join(*left, "; ")));
  if (granted.empty()) print_note(role + " lacks nothing");
  return kDone;
}

}  // namespace

Result<int> grants(Context& context, const GrantsArguments& arguments) {
  const std::string& role = arguments.role;
  if (role.empty()) return fail(ErrorKind::invalid_argument, "name the role: embedd grants ROLE");
  auto db = app::connect(context.config);
  if (!db) return std::unexpected(db.error());
  auto lacking = pg::missing_grants(*db, role);
  if (!lacking) return std::unexpected(lacking.error());
  if (arguments.apply) return apply(context, *db, role, *lacking);
  if (context.json) {
    JsonWriter json;
    json.object().key("role").value(role);
    write(json, "grants", *lacking);
    print(json.end().str() + "\n");
    return kDone;
  }
  // For psql: an identifier is printed as it is, quoted as SQL wants it.
  for (const std::string& grant : *lacking) print(grant + ";\n");
  if (lacking->empty())
    print_note(role + " lacks nothing");
  else if (stdout_is_terminal())
    print_note(
        fmt::format("to run them in {}: embedd grants {} --apply", context.config.database.display, role));
  return kDone;
}

}  // namespace embedd::cli
