#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iostream>
#include <iterator>

#include "app/apply.h"
#include "app/database.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/toml_file.h"
#include "cli/toml_vectorizers.h"

namespace embedd::cli {
namespace {

using Kind = app::PlannedChange::Kind;

Result<std::string> read_whole(const std::string& file) {
  std::ifstream opened;
  if (file != "-") opened.open(file);
  std::istream& in = file == "-" ? std::cin : opened;
  if (!in)
    return fail(ErrorKind::invalid_argument, fmt::format("cannot read {}: {}", file, std::strerror(errno)));
  std::string text{std::istreambuf_iterator<char>(in), {}};
  if (in.bad()) return fail(ErrorKind::invalid_argument, fmt::format("cannot read {}", file));
  return text;
}

std::string_view word_of(Kind kind) {
  switch (kind) {
    case Kind::create: return "create";
    case Kind::set: return "set";
    case Kind::successor: return "needs_successor";
    case Kind::replace: return "needs_replacement";
    case Kind::drop: return "drop";
    case Kind::leave: break;
  }
  return "leave";
}

bool left_to_owner(const app::PlannedChange& change) {
  return change.kind == Kind::successor || change.kind == Kind::replace;
}

std::string describe(const app::PlannedChange& change) {
  const std::string keys = fmt::format("{}", fmt::join(change.keys, ", "));
  switch (change.kind) {
    case Kind::create: return "create " + change.vectorizer;
    case Kind::set: return fmt::format("set {} of {}", keys, change.vectorizer);
    case Kind::successor:
      return fmt::format("{} needs a successor, because {} differ: {}", change.vectorizer, keys,
                         change.command);
    case Kind::replace:
      return fmt::format(
          "{} cannot be changed, and {} differ: {}, then apply again{}", change.vectorizer, keys,
          change.command,
          change.wanted.spec.store ? ", with another store, or with adopt_existing = true" : "");
    case Kind::drop: return fmt::format("drop {}; its vectors stay", change.vectorizer);
    case Kind::leave: break;
  }
  return change.vectorizer + " is not in the file, and stays; --prune drops it";
}

void show_json(const std::vector<app::PlannedChange>& plan, bool done) {
  JsonWriter json;
  json.object().key("done").value(done).key("plan").array();
  for (const app::PlannedChange& change : plan) {
    json.object().key("action").value(word_of(change.kind)).key("vectorizer").value(change.vectorizer);
    json.key("keys").array();
    for (const std::string& key : change.keys) json.value(key);
    json.end();
    if (left_to_owner(change)) json.key("command").value(change.command);
    json.end();
  }
  print(json.end().end().str() + "\n");
}

void show(const std::vector<app::PlannedChange>& plan) {
  bool anything = false;
  for (const app::PlannedChange& change : plan) {
    if (change.kind == Kind::leave) continue;
    print(printable(describe(change)) + "\n");
    anything = true;
  }
  if (!anything) print("nothing is to be done\n");
  for (const app::PlannedChange& change : plan)
    if (change.kind == Kind::leave) print_note("note: " + printable(describe(change)));
}

void note_indexes(const std::vector<app::PlannedChange>& plan) {
  for (const app::PlannedChange& change : plan)
    if (change.wanted.spec.index != "none" &&
        (change.kind == Kind::create ||
         (change.kind == Kind::set && std::ranges::find(change.keys, "index") != change.keys.end())))
      print_note(
          fmt::format("once the rows that exist are embedded, build the index with: embedd vectorizer "
                      "reindex {}",
                      change.vectorizer));
}

}  // namespace

Result<int> apply(Context& context, const ApplyArguments& arguments) {
  const std::string file = !arguments.file.empty()               ? arguments.file
                           : context.config.values.has("config") ? context.config.values.text("config")
                                                                 : "embedd.toml";
  const std::string text = TRY(read_whole(file));
  TRY(parse_toml_settings(text, file));  // refuses unknown keys
  app::ApplyRequest request{.wanted = TRY(parse_toml_vectorizers(text, file)), .prune = arguments.prune};
  const auto plan = TRY(app::plan_apply(context.config, request));
  if (!context.json) {
    show(plan);
    (void)flush_output();
  }
  if (!arguments.dry_run) {
    TRY(app::apply(context.config, plan));
    note_indexes(plan);
  }
  if (context.json) show_json(plan, !arguments.dry_run);
  return std::ranges::any_of(plan, left_to_owner) ? kDiffers : kDone;
}

Result<int> export_vectorizers(Context& context) {
  auto db = TRY(app::connect(context.config));
  const auto declared = TRY(schema::list_declared(db));
  print(to_toml(declared));
  const auto all = TRY(schema::list_vectorizers(db));
  for (const schema::VectorizerInfo& each : all)
    if (!each.next_of.empty() || !each.old_of.empty())
      print_note(fmt::format("note: {} belongs to a change of {}, and is left out", printable(each.name),
                             printable(each.next_of + each.old_of)));
  return kDone;
}

}  // namespace embedd::cli
