#include "cli/search_arguments.h"

#ifndef SIMDJSON_EXCEPTIONS
#define SIMDJSON_EXCEPTIONS 0
#endif
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>

#include "base/json.h"
#include "base/readable.h"
#include "base/units.h"
#include "cli/slips.h"
#include "search/json_fields.h"
#include "search/request.h"

namespace embedd::cli {

namespace {

/// Of --request; the bodies of the HTTP service have the same bound.
constexpr std::size_t kMostRequest = 512 * kKiB;
constexpr const char* kHighlight = R"({"start":"**","end":"**","escape":false})";

CLI::Validator is_json() {
  return {[](std::string& text) {
            simdjson::dom::parser parser;
            const auto error = parser.parse(text).error();
            return error ? fmt::format("'{}' is not JSON: {}", printable(text, 60),
                                       simdjson::error_message(error))
                         : std::string();
          },
          "JSON"};
}

template <typename Number>
std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// NAME=NUMBER. A column's name may have an equals sign.
std::pair<std::string_view, std::string_view> split(std::string_view pair) {
  const std::size_t equals = pair.rfind('=');
  if (equals == std::string_view::npos) return {pair, {}};
  return {pair.substr(0, equals), pair.substr(equals + 1)};
}

CLI::Validator names_a_number() {
  return {[](std::string& text) {
            const auto [name, value] = split(text);
            const auto number = number_of<double>(value);
            const bool fits = !name.empty() && number && std::isfinite(*number);
            return fits ? std::string() : fmt::format("'{}' is not NAME=NUMBER", printable(text, 60));
          },
          "NAME=NUMBER"};
}

std::string object_of(const std::vector<std::string>& pairs) {
  JsonWriter json;
  json.object();
  for (const std::string& pair : pairs) {
    const auto [name, value] = split(pair);
    json.key(name);
    if (const auto whole = number_of<std::int64_t>(value))
      json.value(*whole);
    else
      json.value(number_of<double>(value).value_or(0));
  }
  return json.end().str();
}

std::string array_of(const std::vector<std::string>& names) {
  JsonWriter json;
  json.array();
  for (const std::string& name : names) json.value(name);
  return json.end().str();
}

/// Adds flags of a command; the value of each becomes a field of the request.
class Fields {
 public:
  Fields(CLI::App& command, std::shared_ptr<SearchArguments> arguments)
      : command_(command), arguments_(std::move(arguments)) {}

  void whole(const char* flag, const char* field, int low, int high, const char* help) {
    command_
        .add_option_function<std::string>(
            flag, [keep = keep(field)](const std::string& text) { keep(text); }, help)
        ->check(whole_number(low, high))
        ->option_text(fmt::format("{} to {}", low, high));
  }
  void number(const char* flag, const char* field, const char* help) {
    command_
        .add_option_function<double>(
            flag, [keep = keep(field)](double value) { keep(JsonWriter().value(value).str()); }, help)
        ->option_text("NUMBER");
  }
  CLI::Option* text(const char* flag, const char* field, const char* help) {
    return command_.add_option_function<std::string>(
        flag, [keep = keep(field)](const std::string& value) { keep(JsonWriter().value(value).str()); },
        help);
  }
  void json(const char* flag, const char* field, const char* help) {
    command_
        .add_option_function<std::string>(
            flag, [keep = keep(field)](const std::string& text) { keep(text); }, help)
        ->check(is_json())
        ->option_text("JSON");
  }
  void flag(const char* flag, const char* field, const char* value, const char* help) {
    command_.add_flag_callback(flag, [keep = keep(field), value] { keep(value); }, help);
  }
  /// `form`: what --help shows for the value.
  CLI::Option* list(const char* flag, const char* form, const char* field,
                    std::string (*json)(const std::vector<std::string>&), const char* help) {
    return command_
        .add_option_function<std::vector<std::string>>(
            flag, [keep = keep(field), json](const std::vector<std::string>& values) { keep(json(values)); },
            help)
        ->allow_extra_args(false)
        ->option_text(form);
  }

 private:
  [[nodiscard]] std::function<void(std::string)> keep(const char* field) const {
    return [arguments = arguments_, field](std::string json) {
      arguments->fields.emplace_back(field, std::move(json));
    };
  }

  CLI::App& command_;
  std::shared_ptr<SearchArguments> arguments_;
};

Result<std::string> read_request(const std::string& file) {
  std::ifstream opened;
  if (file != "-") opened.open(file, std::ios::binary);
  std::istream& in = file == "-" ? std::cin : opened;
  std::string text(kMostRequest + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.empty())
    return fail(ErrorKind::invalid_argument,
                fmt::format("no request can be read from {}; write one JSON object into it", file));
  if (text.size() > kMostRequest)
    return fail(
        ErrorKind::invalid_argument,
        fmt::format("the request in {} has more than {} KiB; name fewer values", file, kMostRequest / kKiB));
  return text;
}

}  // namespace

bool SearchArguments::has(std::string_view field) const {
  return std::ranges::any_of(fields, [field](const auto& each) { return each.first == field; });
}

void add_search_options(CLI::App& command, const std::shared_ptr<SearchArguments>& arguments) {
  Fields add(command, arguments);
  command.add_option("VECTORIZER", arguments->vectorizer, "Where to search")->required();
  add.text("QUERY", "query", "What to search for");
  add.text("--mode", "mode", "How [hybrid if there is a text configuration, else vector]")
      ->check(CLI::IsMember({"hybrid", "vector", "text"}));
  add.whole("-k,--limit", "k", 1, search::kMaxHits, "How many rows [10]");
  add.whole("--offset", "offset", 0, search::kMaxOffset, "Leave out the first N hits [0]");
  add.whole("--candidates", "candidates", 1, search::kMaxCandidates,
            "How many rows each leg proposes [200, or twice the limit]");
  add.json("--filter", "filter", R"(Which rows, such as '{"column": "stars", "op": ">=", "value": 3}')");
  add.list("--columns", "NAME,...", "columns", array_of,
           "Columns to print, such as id,title [the template's]")
      ->delimiter(',');
  add.json("--similar-to", "similar_to", R"(Rows like the row with this key, such as '{"id": 7}')");
  add.list("--weights", "LEG=NUMBER,...", "weights", object_of,
           "Weights of the legs, such as vector=1,text=2 [1 and 1]")
      ->delimiter(',')
      ->check(names_a_number());
  add.whole("--rrf-k", "rrf_k", 1, search::kMaxRrfK, "How little the first ranks count more [60]");
  add.number("--min-similarity", "min_similarity", "The vector leg proposes nothing less similar, -1 to 1");
  add.flag("--every-chunk", "group_by_row", "false", "Of a store: each chunk is a hit [the row's best one]");
  add.whole("--neighbours", "neighbours", 0, search::kMaxNeighbours,
            "Of a store: so many chunks on each side of a hit's chunk [0]");
  command.add_flag("--highlight", arguments->highlight,
                   "Show the places that have the query's words, marked");
  add.list("--facets", "COLUMN=N", "facets", object_of,
           "Count a column's most frequent values, such as status=10; may be repeated")
      ->check(names_a_number());
  add.text("--rerank", "rerank", "Let the endpoint of [rerank.NAME] put the best hits first")
      ->option_text("NAME");
  add.flag("--exact", "exact", "true", "Compare every vector, and use no vector index");
  add.flag("--explain", "explain", "true", "Also say which indexes were used, and where the time went");
  add.whole("--deadline-ms", "deadline_ms", search::kMinDeadlineMs, search::kMaxDeadlineMs,
            "Give up after this time [30000]");
  command
      .add_option("--request", arguments->request,
                  "Further fields: a JSON object as the HTTP service takes it; - for standard input")
      ->option_text("FILE");
}

Result<std::string> request_json(const SearchArguments& arguments, bool json) {
  if (arguments.request.empty() && !arguments.has("query") && !arguments.has("similar_to"))
    return fail(ErrorKind::invalid_argument,
                "QUERY is required: write what to search for, or give --similar-to or --request; see embedd "
                "search --help");
  JsonWriter body;
  body.object();
  bool has_deadline = arguments.has("deadline_ms");
  if (!arguments.request.empty()) {
    const std::string text = TRY(read_request(arguments.request));
    simdjson::dom::parser parser;
    const search::Json file = TRY(search::parse_json(parser, text));
    for (const auto& [name, value] : TRY(file.object())) {
      body.key(name).raw(TRY(value.json(kMostRequest)));
      has_deadline = has_deadline || name == "deadline_ms";
    }
  }
  for (const auto& [name, value] : arguments.fields) body.key(name).raw(value);
  if (arguments.highlight) body.key("highlight").raw(json ? "true" : kHighlight);
  // At the shell nothing but a person waits.
  if (!has_deadline) body.key("deadline_ms").value(search::kMaxDeadlineMs);
  return body.end().str();
}

}  // namespace embedd::cli
