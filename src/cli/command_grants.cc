#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/grants.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace embedd::cli {

namespace {

void write(JsonWriter& json, std::string_view name, const std::vector<std::string>& grants) {
  json.key(name).array();
  for (const std::string& grant : grants) json.value(grant);
  json.end();
}

/// Errors: misconfigured, if grants remain for another role to make.
Result<int> grant_all(const Context& context, const std::string& role) {
  const auto grants = TRY(app::apply_grants(context.config, role));
  if (context.json) {
    JsonWriter json;
    json.object().key("role").value(role);
    write(json, "granted", grants.granted);
    write(json, "grants", grants.lacking);
    print(json.end().str() + "\n");
  } else {
    for (const std::string& grant : grants.granted) print(grant + "\n");
  }
  if (!grants.lacking.empty())
    return fail(ErrorKind::misconfigured,
                fmt::format("{} still lacks what this role may not grant; as the owner, run: {};", role,
                            fmt::join(grants.lacking, "; ")));
  if (grants.granted.empty()) print_note(role + " lacks nothing");
  return kDone;
}

}  // namespace

Result<int> grants(Context& context, const GrantsArguments& arguments) {
  const std::string& role = arguments.role;
  if (role.empty()) return fail(ErrorKind::invalid_argument, "name the role: embedd grants ROLE");
  if (arguments.apply) return grant_all(context, role);
  const auto grants = TRY(app::read_grants(context.config, role));
  if (context.json) {
    JsonWriter json;
    json.object().key("role").value(role);
    write(json, "grants", grants.lacking);
    print(json.end().str() + "\n");
    return kDone;
  }
  // For psql: identifiers are printed unchanged, quoted as SQL quotes them.
  for (const std::string& grant : grants.lacking) print(grant + ";\n");
  if (grants.lacking.empty())
    print_note(role + " lacks nothing");
  else if (stdout_is_terminal())
    print_note(
        fmt::format("to run them in {}: embedd grants {} --apply", context.config.database.display, role));
  return kDone;
}

}  // namespace embedd::cli
