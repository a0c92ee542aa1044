#include <fmt/format.h>

#include <optional>
#include <utility>

#include "app/dead_letters.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"

namespace embedd::cli {

namespace {

schema::DeadLetterFilter filter_of(const DeadArguments& arguments) {
  return {arguments.vectorizer, arguments.key, arguments.kind, arguments.older_than, arguments.newer_than};
}

/// Prints one dead letter at a time, because there may be many.
Result<int> list_as_json(const Config& config, const DeadArguments& arguments) {
  std::string before = "[";
  TRY(app::visit_dead_letters(
      config, filter_of(arguments), arguments.limit, [&](const schema::DeadLetter& letter) {
        JsonWriter json;
        json.object().key("vectorizer").value(letter.vectorizer).key("key").raw(letter.key);
        json.key("kind").value(letter.kind).key("message").value(letter.message);
        json.key("attempts").value(letter.attempts).key("failed_at").value(letter.failed_at).end();
        print(std::exchange(before, ",") + json.str());
      }));
  print((before == "[" ? "[" : "") + std::string("]\n"));
  return kDone;
}

/// Prints a table for every thousand dead letters, each with its header.
Result<int> list_as_table(const Config& config, const DeadArguments& arguments) {
  constexpr int kRows = 1000;
  const std::vector<std::string> header{"failed at", "vectorizer", "key", "kind", "attempts", "message"};
  std::optional<Table> table;
  int rows = 0;
  TRY(app::visit_dead_letters(
      config, filter_of(arguments), arguments.limit, [&](const schema::DeadLetter& letter) {
        if (!table) table.emplace(header);
        table->add({letter.failed_at, printable(letter.vectorizer), printable(letter.key, 60),
                    printable(letter.kind), fmt::format("{}", letter.attempts),
                    printable(letter.message, 200)});
        if (++rows % kRows != 0) return;
        print(table->str());
        table.reset();
      }));
  if (table) print(table->str());
  if (rows == 0) print_note("no dead letters");
  return kDone;
}

Result<int> change(Context& context, const DeadArguments& arguments,
                   Result<std::int64_t> (*action)(const app::Settings&, const schema::DeadLetterFilter&),
                   std::string_view done) {
  if (arguments.vectorizer.empty() && !arguments.all)
    return fail(ErrorKind::invalid_argument, "name a vectorizer, or say --all");
  const auto count = TRY(action(context.config, filter_of(arguments)));
  if (context.json)
    print(JsonWriter().object().key(done).value(count).end().str() + "\n");
  else
    print(fmt::format("{} {}\n", human_count(count), done));
  return kDone;
}

}  // namespace

Result<int> dead_list(Context& context, const DeadArguments& arguments) {
  return context.json ? list_as_json(context.config, arguments) : list_as_table(context.config, arguments);
}

Result<int> dead_retry(Context& context, const DeadArguments& arguments) {
  return change(context, arguments, app::retry_dead_letters, "retried");
}

Result<int> dead_purge(Context& context, const DeadArguments& arguments) {
  return change(context, arguments, app::purge_dead_letters, "purged");
}

}  // namespace embedd::cli
