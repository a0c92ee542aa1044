#include <fmt/format.h>
#include <fmt/ranges.h>

#include <fstream>
#include <iostream>

#include "app/database.h"
#include "base/json.h"
#include "base/trim.h"
#include "cli/commands.h"
#include "cli/notes.h"
#include "cli/output.h"
#include "schema/switch.h"

namespace embedd::cli {

namespace {

constexpr std::size_t kMostQueries = 10'000;
/// Queries whose hits are shown side by side: those whose hits differ most.
constexpr std::size_t kExamples = 3;
constexpr std::size_t kExampleHits = 5;

Result<std::vector<std::string>> read_queries(const std::string& file) {
  std::ifstream opened;
  if (file != "-") opened.open(file);
  std::istream& in = file == "-" ? std::cin : opened;
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) {
    if (trim(line).empty()) continue;
    if (out.size() == kMostQueries)
      return fail(ErrorKind::invalid_argument,
                  fmt::format("{} has more than {} queries; name fewer", file, kMostQueries));
    out.emplace_back(trim(line));
  }
  if (out.empty())
    return fail(ErrorKind::invalid_argument,
                fmt::format("no query can be read from {}; write one a line", file));
  return out;
}

void print_done(const Context& context, const std::string& name, std::string_view done) {
  if (context.json)
    print(JsonWriter().object().key("name").value(name).key("done").value(done).end().str() + "\n");
  else
    print(fmt::format("{} {}\n", printable(name), done));
}

void print_json(const app::Comparison& comparison) {
  JsonWriter json;
  json.object().key("before").value(comparison.before.name).key("after").value(comparison.after.name);
  json.key("common").value(comparison.common).key("correlation").value(comparison.correlation);
  json.key("tokens").value(static_cast<std::int64_t>(comparison.tokens)).key("queries").array();
  for (const app::ComparedQuery& query : comparison.queries) {
    json.object().key("query").value(printable(query.text, 200)).key("common").value(query.common);
    json.key("correlation").value(query.correlation);
    json.key("before").array();
    for (const std::string& key : query.before) json.raw(key);
    json.end().key("after").array();
    for (const std::string& key : query.after) json.raw(key);
    json.end().end();
  }
  print(json.end().end().str() + "\n");
}

void print_example(const app::ComparedQuery& query) {
  print(fmt::format("\n{} ({} common)\n", paint(Colour::bold, printable(query.text, 100)), query.common));
  Table table({"before", "after"});
  for (std::size_t i = 0; i < kExampleHits && i < std::max(query.before.size(), query.after.size()); ++i) {
    const auto hit = [i](const std::vector<std::string>& keys, const std::vector<std::string>& texts) {
      return i < keys.size() ? printable(keys[i] + " " + texts[i], 60) : std::string();
    };
    table.add({hit(query.before, query.before_texts), hit(query.after, query.after_texts)});
  }
  print(table.str());
}

}  // namespace

Result<int> vectorizer_change(Context& context, const ChangeArguments& arguments) {
  if (arguments.cancel) {
    auto db = TRY(app::connect(context.config));
    const auto dropped = TRY(schema::cancel_change(db, arguments.name));
    print_done(context, dropped.name, "dropped, with its vectors");
    return kDone;
  }
  const auto created = TRY(app::change_vectorizer(context.config, arguments.name, arguments.change));
  const schema::VectorizerInfo& info = created.info;
  print_done(context, info.name, fmt::format("is filled beside {}", printable(arguments.name)));
  for (const std::string& note : created.notes) print_note("note: " + printable(note));
  note_endpoint(context.config, info.endpoint);
  note_next_steps(created);
  print_note(fmt::format("what it costs: embedd estimate {}; how far it is: embedd status", info.name));
  if (info.index_kind != "none")
    print_note(fmt::format("then build its index: embedd vectorizer reindex {}", info.name));
  print_note(
      fmt::format("then: embedd vectorizer compare {0}; embedd vectorizer switch {0}", arguments.name));
  return kDone;
}

Result<int> vectorizer_compare(Context& context, const CompareArguments& arguments) {
  app::CompareRequest request = arguments.request;
  if (!arguments.queries.empty()) request.queries = TRY(read_queries(arguments.queries));
  const auto comparison = TRY(app::compare(context.config, request));
  if (context.json) {
    print_json(comparison);
    return kDone;
  }
  print(fmt::format("{} ({}) and {} ({}), {} queries\n", printable(comparison.before.name),
                    printable(comparison.before.model), printable(comparison.after.name),
                    printable(comparison.after.model), comparison.queries.size()));
  print(fmt::format("  {:.0f} % of the {} nearest rows are the same; rank correlation of these {:.2f}\n",
                    100 * comparison.common, request.hits, comparison.correlation));
  if (comparison.tokens > 0) print(fmt::format("  {} tokens were bought\n", comparison.tokens));
  for (std::size_t i = 0; i < kExamples && i < comparison.queries.size(); ++i)
    print_example(comparison.queries[i]);
  return kDone;
}

Result<int> vectorizer_switch(Context& context, const SwitchArguments& arguments) {
  auto db = TRY(app::connect(context.config));
  const auto switched =
      TRY(schema::switch_vectorizer(db, arguments.name, {arguments.back, arguments.incomplete}));
  if (context.json) {
    JsonWriter json;
    json.object().key("name").value(switched.now.name).key("model").value(switched.now.model);
    json.key("before").value(switched.before.name).key("missing").value(switched.missing);
    json.key("locked_ms").value(switched.locked.count()).key("views").array();
    for (const std::string& view : switched.remade) json.value(view);
    print(json.end().end().str() + "\n");
    return kDone;
  }
  print(fmt::format("{} has the vectors of {} now; the table was locked for {} ms\n",
                    printable(switched.now.name), printable(switched.now.model), switched.locked.count()));
  if (!switched.remade.empty())
    print(fmt::format("  views made again: {}\n", fmt::join(switched.remade, ", ")));
  if (switched.missing > 0)
    print_note(fmt::format("note: {}{} rows are not found until they have their new vectors",
                           switched.missing > 1000 ? "more than " : "",
                           std::min<std::int64_t>(switched.missing, 1000)));
  print_note(fmt::format("{} is kept true too, which costs as before. Drop it: embedd vectorizer {} {}{}",
                         switched.before.name, arguments.back ? "change" : "prune", switched.now.name,
                         arguments.back ? " --cancel" : ""));
  if (!arguments.back)
    print_note(fmt::format("back to it: embedd vectorizer switch {} --back", switched.now.name));
  return kDone;
}

Result<int> vectorizer_prune(Context& context, const std::string& name) {
  auto db = TRY(app::connect(context.config));
  const auto dropped = TRY(schema::prune_vectorizer(db, name));
  print_done(context, dropped.name, "dropped, with its vectors");
  return kDone;
}

Result<int> vectorizer_verify(Context& context, const app::VerifyRequest& request) {
  const auto result = TRY(app::verify(context.config, request));
  const std::size_t rows = result.rows.size();
  const double least = rows == 0 ? 0 : result.rows.front().cosine;
  const double median = rows == 0 ? 0 : result.rows[rows / 2].cosine;
  if (context.json) {
    JsonWriter json;
    json.object().key("vectorizer").value(result.vectorizer.name).key("model").value(result.vectorizer.model);
    json.key("rows")
        .value(static_cast<std::int64_t>(rows))
        .key("least")
        .value(least)
        .key("median")
        .value(median);
    json.key("beyond").value(static_cast<std::int64_t>(result.beyond)).key("left_out");
    json.value(static_cast<std::int64_t>(result.left_out)).key("tokens");
    json.value(static_cast<std::int64_t>(result.tokens)).key("usd");
    result.usd ? json.value(*result.usd) : json.null();
    print(json.end().str() + "\n");
  } else {
    print(fmt::format("{} of {} vectors embedded again by {}: cosine {:.4f} at least, median {:.4f}\n", rows,
                      rows + result.left_out, printable(result.vectorizer.model), least, median));
    print(fmt::format("  {} tokens were bought{}\n", result.tokens,
                      result.usd.value_or(0) > 0 ? fmt::format(", about {:.4f} USD", *result.usd) : ""));
    for (std::size_t i = 0; i < result.beyond && i < 10; ++i)
      print(fmt::format("  {:.4f} {}\n", result.rows[i].cosine, printable(result.rows[i].key, 100)));
  }
  if (rows == 0)
    return fail(
        ErrorKind::invalid_argument,
        "none of the sampled texts could be compared: all are longer than the model takes, or are cut "
        "differently by now");
  if (result.beyond == 0) return kDone;
  print_note(
      fmt::format("{} of {} differ by more than {}: the model has changed, or something else wrote these "
                  "vectors. embedd vectorizer change makes all of them anew",
                  result.beyond, rows, request.tolerance));
  return kDiffers;
}

}  // namespace embedd::cli
