#include <fmt/format.h>
#include <fmt/ranges.h>

#include "app/database.h"
#include "app/vectorizer.h"
#include "base/json.h"
#include "cli/budget_text.h"
#include "cli/commands.h"
#include "cli/existing.h"
#include "cli/notes.h"
#include "cli/output.h"
#include "schema/score.h"
#include "schema/vector_index.h"

namespace embedd::cli {

namespace {

/// Writes the members of an object; the caller opens and closes the object.
void write_json(JsonWriter& json, const schema::VectorizerInfo& info) {
  const auto optional = [&json](std::string_view name, const std::optional<std::string>& text) {
    json.key(name);
    if (text)
      json.value(*text);
    else
      json.null();
  };
  json.key("id").value(info.id).key("name").value(info.name);
  json.key("source").object();
  json.key("schema").value(info.source_schema).key("table").value(info.source_table).end();
  json.key("key").array();
  for (const std::string& column : info.key_columns) json.value(column);
  json.end();
  json.key("text").value(info.text_template);
  optional("where", info.filter);
  optional("score", info.score);
  json.key("column").value(info.destination_column).key("type").value(info.destination_type);
  if (info.stores()) {
    json.key("store")
        .object()
        .key("schema")
        .value(info.store_schema)
        .key("table")
        .value(info.store_table)
        .end();
    json.key("chunk").value(info.chunk_rule).key("chunk_template").value(info.chunk_template);
  }
  optional("model_id_column", info.model_id_column);
  optional("model_version_column", info.model_version_column);
  json.key("endpoint").value(info.endpoint).key("model").value(info.model);
  json.key("dimensions").value(info.dimensions).key("long_texts").value(info.long_texts);
  json.key("capture").value(info.capture_rows ? "rows" : "statements");
  json.key("index").value(info.index_kind).key("deferred_indexes").array();
  for (const std::string& name : info.deferred_indexes) json.value(name);
  json.end();
  if (!info.next_of.empty()) json.key("next_of").value(info.next_of);
  if (!info.old_of.empty()) json.key("old_of").value(info.old_of);
  write_budget(json, info.budget);
  json.key("state").value(info.paused ? "paused" : "active");
  json.key("created_at").value(info.created_at);
}

std::string source_of(const schema::VectorizerInfo& info) {
  return info.source_schema == "public" ? info.source_table
                                        : fmt::format("{}.{}", info.source_schema, info.source_table);
}

std::string store_of(const schema::VectorizerInfo& info) {
  return info.store_schema == "public" ? info.store_table
                                       : fmt::format("{}.{}", info.store_schema, info.store_table);
}

void show(const Context& context, const schema::VectorizerInfo& info) {
  if (context.json) {
    JsonWriter json;
    json.object();
    write_json(json, info);
    return print(json.end().str() + "\n");
  }
  std::string out = paint(Colour::bold, printable(info.name)) + "\n";
  const auto line = [&out](std::string_view name, std::string_view text) {
    out += fmt::format("  {:<22}{}\n", name, printable(text));
  };
  line("source", source_of(info));
  line("key", fmt::format("{}", fmt::join(info.key_columns, ", ")));
  line("text", info.text_template);
  if (info.filter) line("where", *info.filter);
  if (info.score) line("score", *info.score);
  if (info.stores()) {
    line("store", store_of(info));
    line("chunk", info.chunk_rule);
    if (!info.chunk_template.empty()) line("chunk template", info.chunk_template);
  }
  line("column", fmt::format("{} {}({})", info.destination_column, info.destination_type, info.dimensions));
  if (info.model_id_column) line("model id column", *info.model_id_column);
  if (info.model_version_column) line("model version column", *info.model_version_column);
  line("endpoint", info.endpoint);
  line("model", info.model);
  line("long texts", info.long_texts);
  if (info.index_kind != "none") line("index", info.index_kind);
  if (info.capture_rows) line("capture", "rows");
  if (!info.deferred_indexes.empty())
    line("deferred indexes", fmt::format("{}", fmt::join(info.deferred_indexes, ", ")));
  if (!info.next_of.empty()) line("to replace", info.next_of);
  if (!info.old_of.empty()) line("replaced by", info.old_of);
  if (info.budget != schema::DailyBudget()) line("budget", budget_text(info.budget));
  line("state", info.paused ? "paused" : "active");
  line("created", info.created_at);
  print(out);
}

/// The commands pause, resume and drop: they differ in one call and one word.
Result<int> change(Context& context, const std::string& name,
                   Result<void> (*action)(pg::Connection&, std::string_view), std::string_view done) {
  auto db = TRY(app::connect(context.config));
  TRY(action(db, name));
  if (context.json)
    print(JsonWriter().object().key("name").value(name).key("done").value(done).end().str() + "\n");
  else
    print(fmt::format("{} {}\n", printable(name), done));
  return kDone;
}

}  // namespace

Result<int> vectorizer_create(Context& context, const schema::VectorizerSpec& spec) {
  const auto created = TRY(app::create_vectorizer(context.config, spec));
  const schema::VectorizerInfo& info = created.info;
  if (context.json) {
    JsonWriter json;
    json.object();
    write_json(json, info);
    write_existing(json, created.existing);
    print(json.end().str() + "\n");
  } else {
    show(context, info);
  }
  for (const std::string& note : created.notes) print_note("note: " + printable(note));
  note_existing(info, created.existing);
  note_endpoint(context.config, info.endpoint);
  if (info.index_kind != "none")
    print_note(fmt::format(
        "once the rows that exist are embedded, build the index with: embedd vectorizer reindex {}",
        info.name));
  note_next_steps(created);
  return kDone;
}

Result<int> vectorizer_list(Context& context) {
  auto db = TRY(app::connect(context.config));
  auto list = TRY(schema::list_vectorizers(db));
  if (context.json) {
    JsonWriter json;
    json.array();
    for (const schema::VectorizerInfo& info : list) {
      json.object();
      write_json(json, info);
      json.end();
    }
    print(json.end().str() + "\n");
    return kDone;
  }
  if (list.empty()) {
    print_note("no vectorizers yet: embedd vectorizer create --help");
    return kDone;
  }
  Table table({"name", "source", "column", "model", "dimensions", "endpoint", "state"});
  for (const schema::VectorizerInfo& info : list)
    table.add({printable(info.name), printable(source_of(info)), printable(info.destination_column),
               printable(info.model), fmt::format("{}", info.dimensions), printable(info.endpoint),
               info.paused ? paint(Colour::yellow, "paused") : "active"});
  print(table.str());
  return kDone;
}

Result<int> vectorizer_show(Context& context, const std::string& name) {
  auto db = TRY(app::connect(context.config));
  auto info = TRY(schema::find_vectorizer(db, name));
  show(context, info);
  return kDone;
}

Result<int> vectorizer_pause(Context& context, const std::string& name) {
  return change(context, name, schema::pause_vectorizer, "paused");
}

Result<int> vectorizer_resume(Context& context, const std::string& name) {
  return change(context, name, schema::resume_vectorizer, "resumed");
}

Result<int> vectorizer_score(Context& context, const ScoreArguments& arguments) {
  auto db = TRY(app::connect(context.config));
  TRY(schema::set_score(db, arguments.name, arguments.expression));
  const bool none = arguments.expression == "none";
  if (context.json) {
    JsonWriter json;
    json.object().key("name").value(arguments.name).key("score");
    if (none)
      json.null();
    else
      json.value(arguments.expression);
    print(json.end().str() + "\n");
    return kDone;
  }
  const std::string name = printable(arguments.name);
  print(none ? fmt::format("searches of {} are ordered by their ranks\n", name)
             : fmt::format("searches of {} are ordered by: {}\n", name, printable(arguments.expression)));
  return kDone;
}

Result<int> vectorizer_drop(Context& context, const std::string& name) {
  auto db = TRY(app::connect(context.config));
  const auto info = TRY(schema::find_vectorizer(db, name));
  const std::string words = TRY(schema::find_text_index(db, info));
  auto code = change(context, name, schema::drop_vectorizer, "dropped");
  if (code && !words.empty())
    print_note(fmt::format(
        "its index of words stays, and slows writes to the table; to remove it: DROP INDEX {}", words));
  if (code)
    print_note(
        info.stores()
            ? fmt::format("its chunks stay in {}; another declaration needs another table, and buys anew",
                          printable(store_of(info)))
            : "its vectors stay, and what they were made of is remembered: the same declaration buys "
              "none again");
  return code;
}

}  // namespace embedd::cli
