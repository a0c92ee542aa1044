#include <fmt/format.h>

#include <optional>
#include <utility>

#include "app/database.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "pg/dead_letters.h"
#include "pg/vectorizers.h"

namespace embedd::cli {

namespace {

pg::DeadLetterFilter filter_of(const DeadArguments& arguments) {
  return {arguments.vectorizer, arguments.key, arguments.kind, arguments.older_than, arguments.newer_than};
}

/// Connects, and finds the vectorizer, so that a slip in its name is not taken for "no dead letters".
Result<pg::Connection> connect_for(const Context& context, const DeadArguments& arguments) {
  auto db = app::connect(context.config);
  if (!db || arguments.vectorizer.empty()) return db;
  if (auto found = pg::find_vectorizer(*db, arguments.vectorizer); !found)
    return std::unexpected(found.error());
  return db;
}

/// Letter by letter: there may be many.
Result<int> list_as_json(pg::Connection& db, const DeadArguments& arguments) {
  std::string before = "[";
  auto listed =
      pg::visit_dead_letters(db, filter_of(arguments), arguments.limit, [&](const pg::DeadLetter& letter) {
        JsonWriter json;
        json.object().key("vectorizer").value(letter.vectorizer).key("key").raw(letter.key);
        json.key("kind").value(letter.kind).key("message").value(letter.message);
        json.key("attempts").value(letter.attempts).key("failed_at").value(letter.failed_at).end();
        print(std::exchange(before, ",") + json.str());
      });
  if (!listed) return std::unexpected(listed.error());
  print((before == "[" ? "[" : "") + std::string("]\n"));
  return kDone;
}

/// A table for every thousand, each with its header.
Result<int> list_as_table(pg::Connection& db, const DeadArguments& arguments) {
  constexpr int kRows = 1000;
  const std::vector<std::string> header{"failed at", "vectorizer", "key", "kind", "attempts", "message"};
  std::optional<Table> table;
  int rows = 0;
  auto listed =
      pg::visit_dead_letters(db, filter_of(arguments), arguments.limit, [&](const pg::DeadLetter& letter) {
        if (!table) table.emplace(header);
        table->add({letter.failed_at, printable(letter.vectorizer), printable(letter.key, 60),
                    printable(letter.kind), fmt::format("{}", letter.attempts),
                    printable(letter.message, 200)});
        if (++rows % kRows != 0) return;
        print(table->str());
        table.reset();
      });
  if (!listed) return std::unexpected(listed.error());
  if (table) print(table->str());
  if (rows == 0) print_note("no dead letters");
  return kDone;
}

Result<int> change(Context& context, const DeadArguments& arguments,
                   Result<std::int64_t> (*action)(pg::Connection&, const pg::DeadLetterFilter&),
                   std::string_view done) {
  if (arguments.vectorizer.empty() && !arguments.all)
    return fail(ErrorKind::invalid_argument, "name a vectorizer, or say --all");
  auto db = connect_for(context, arguments);
  if (!db) return std::unexpected(db.error());
  auto count = action(*db, filter_of(arguments));
  if (!count) return std::unexpected(count.error());
  if (context.json)
    print(JsonWriter().object().key(done).value(*count).end().str() + "\n");
  else
    print(fmt::format("{} {}\n", human_count(*count), done));
  return kDone;
}

}  // namespace

Result<int> dead_list(Context& context, const DeadArguments& arguments) {
  auto db = connect_for(context, arguments);
  if (!db) return std::unexpected(db.error());
  return context.json ? list_as_json(*db, arguments) : list_as_table(*db, arguments);
}

Result<int> dead_retry(Context& context, const DeadArguments& arguments) {
  return change(context, arguments, pg::retry_dead_letters, "retried");
}

Result<int> dead_purge(Context& context, const DeadArguments& arguments) {
  return change(context, arguments, pg::purge_dead_letters, "purged");
}

}  // namespace embedd::cli
