#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <iostream>
#include <string>

#include "app/database.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace embedd::cli {
namespace {

void show(const Context& context, const schema::Uninstallation& report, std::string_view verb) {
  if (context.json) {
    JsonWriter json;
    json.object().key("done").value(verb == "removed").key("removes").array();
    for (const schema::Removal& each : report.removes)
      json.object().key("kind").value(each.kind).key("name").value(each.name).end();
    json.end().key("stays").array();
    for (const std::string& each : report.stays) json.value(each);
    json.end().key("stands_in_the_way").array();
    for (const std::string& each : report.stands_in_the_way) json.value(each);
    return print(json.end().end().str() + "\n");
  }
  for (const schema::Removal& each : report.removes)
    print(fmt::format("{} {} {}\n", verb, each.kind, printable(each.name)));
  if (report.removes.empty()) print("nothing of embedd's is in this database\n");
  for (const std::string& each : report.stays) print_note("stays: " + printable(each, 1000));
  for (const std::string& each : report.stands_in_the_way)
    print_note("stands in the way: " + printable(each, 1000));
}

/// Asks on the terminal. Error: invalid_argument, if nobody can answer.
Result<bool> confirmed(const schema::Uninstallation& plan) {
  if (isatty(STDIN_FILENO) == 0)
    return fail(ErrorKind::invalid_argument,
                "this removes what --dry-run shows; to do it without being asked, say --yes");
  show(Context(), plan, "removes");
  print("Remove all this? Type yes: ");
  (void)flush_output();
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "yes";
}

}  // namespace

Result<int> uninstall(Context& context, const UninstallArguments& arguments) {
  auto db = TRY(app::connect(context.config, app::Schema::optional, /*to_write=*/true));
  const auto plan = TRY(schema::plan_uninstall(db, arguments.options));
  if (arguments.dry_run || plan.removes.empty()) {
    show(context, plan, "would remove");
    return kDone;
  }
  if (!plan.stands_in_the_way.empty())
    return fail(ErrorKind::conflict, fmt::format("{}", fmt::join(plan.stands_in_the_way, "; ")));
  if (!arguments.yes && !TRY(confirmed(plan))) {
    print_note("nothing was removed");
    return kFailed;
  }
  show(context, TRY(schema::uninstall(db, arguments.options)), "removed");
  return kDone;
}

}  // namespace embedd::cli
