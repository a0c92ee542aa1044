/// Whatever a client sends as a search, reading it must not crash, must say which field is wrong, and must
/// keep within the documented bounds; and of what it says nothing but its shape gets into the statement:
/// every name there is a name of the table, and every value is a parameter.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "base/check.h"
#include "search/request.h"
#include "search/statement.h"
#include "search/subject.h"
#include "sql_skeleton.h"

namespace embedd::search {
namespace {

schema::SourceColumn column(const char* name, const char* type, char category, char kind = 'b',
                            bool foreign = false) {
  return {.name = name,
          .type = type,
          .type_name = type,
          .base_type = type,
          .own_type = type,
          .kind = kind,
          .foreign = foreign,
          .category = category};
}

Subject subject(bool stores, bool index) {
  Subject out;
  out.info.id = 7;
  out.info.name = "notes";
  out.info.source_schema = "public";
  out.info.source_table = "notes";
  out.info.key_columns = {"id"};
  out.info.key_types = {"bigint"};
  out.info.types_sql = "true";
  out.info.key_json_sql = "pg_catalog.jsonb_build_object('id', q.k1)";
  out.info.destination_column = "embedding";
  out.info.destination_type = "vector";
  out.info.dimensions = 3;
  if (stores) {
    out.info.store_schema = "public";
    out.info.store_table = "notes_store";
  }
  out.pgvector = {.schema = "public", .iterative_scan = index};
  out.source.schema = "public";
  out.source.name = "notes";
  out.source.columns = {column("id", "bigint", 'N'),
                        column("title", "text", 'S'),
                        column("open", "boolean", 'B'),
                        column("tags", "text[]", 'A'),
                        column("meta", "jsonb", 'U'),
                        column("day", "date", 'D'),
                        column("We\"ird '", "text", 'S'),
                        column("embedding", "public.vector", 'U', 'b', true),
                        column("mood", "public.mood", 'E', 'e', true)};
  out.text = *parse_template("{title}");
  out.text_search = "pg_catalog.english";
  out.vector_index = index;
  return out;
}

void check_bounds(const Request& request) {
  CHECK(request.k >= 1 && request.k <= kMaxHits && request.offset >= 0 && request.offset <= kMaxOffset,
        "page {} {}", request.k, request.offset);
  CHECK(request.candidates >= 1 && request.candidates <= kMaxCandidates, "candidates {}", request.candidates);
  CHECK(request.query.size() <= kMaxQueryBytes && request.query.find('\0') == std::string::npos, "query");
  CHECK(!request.query.empty() || !request.vector.empty() || request.similar_to, "nothing to search for");
  CHECK(request.facets.size() <= kMaxFacets && request.neighbours >= 0 && request.neighbours <= 5, "extras");
  if (request.highlight)
    CHECK(request.highlight->start.size() <= kMaxMarkerBytes &&
              request.highlight->end.size() <= kMaxMarkerBytes,
          "markers");
  for (const float number : request.vector) CHECK(std::isfinite(number), "vector");
  CHECK(request.deadline >= milliseconds(50) && request.deadline <= seconds(30), "deadline");
  for (const double weight : {request.vector_weight, request.text_weight})
    CHECK(weight >= 0 && weight <= 10, "weight {}", weight);
}

void check_filter(const Filter& filter, int depth, int& tests) {
  CHECK(depth <= kMaxFilterDepth, "depth {}", depth);
  if (filter.kind == Filter::Kind::test) CHECK(++tests <= kMaxFilterTests, "tests {}", tests);
  CHECK(filter.values.size() <= kMaxFilterValues, "values {}", filter.values.size());
  CHECK(filter.kind == Filter::Kind::test || !filter.parts.empty(), "an empty combination");
  for (const Filter& part : filter.parts) check_filter(part, depth + 1, tests);
}

void check_statement(const Subject& of, const Request& request, Legs legs) {
  const auto statement = build_statement(of, request, legs, {1, 2, 3});
  if (!statement) {
    CHECK((statement.error().kind == ErrorKind::invalid_argument || request.mandatory) &&
              statement.error().message.contains(": "),
          "no field");
    return;
  }
  const auto skeleton = sql_skeleton(statement->sql);
  CHECK(skeleton.has_value(), "statement {}", statement->sql);
  static const std::set<std::string> kNames = {
      "id",   "title", "open",        "tags",   "meta", "day",   "We\"ird '", "embedding",
      "mood", "notes", "notes_store", "public", "left", "chunk", "chunk_seq", "C"};
  static const std::set<std::string> kLiterals = {"",
                                                  "\n",
                                                  "%s",
                                                  "pg_catalog.english",
                                                  R"("public"."notes")",
                                                  R"("public"."notes_store")",
                                                  "what_is_known_of_the_vectorizer",
                                                  "over",
                                                  "candidates",
                                                  "rows",
                                                  "columns",
                                                  "value",
                                                  "count",
                                                  "seq",
                                                  "text",
                                                  " \t\n\r\f\v",
                                                  "[]"};
  for (const std::string& name : skeleton->identifiers) CHECK(kNames.contains(name), "name {}", name);
  for (const std::string& text : skeleton->literals)
    CHECK(kLiterals.contains(text) || kNames.contains(text), "literal {}", text);
  for (const pg::Param& param : statement->params)
    CHECK(param && param->find('\0') == std::string::npos, "a parameter with NUL");
}

void run(std::string_view in) {
  auto request = parse_request(in);
  if (!request) {
    CHECK(request.error().kind == ErrorKind::invalid_argument && !request.error().message.empty(),
          "no reason");
    return;
  }
  check_bounds(*request);
  int tests = 0;
  if (request->filter) check_filter(*request->filter, 1, tests);
  if (request->exact) request->mandatory = request->filter;  // any filter may be somebody's
  for (const bool stores : {false, true}) {
    for (const bool index : {false, true}) {
      const Subject of = subject(stores, index);
      check_statement(of, *request, {.vector = true, .text = !request->query.empty()});
      if (!request->query.empty()) check_statement(of, *request, {.vector = false, .text = true});
    }
  }
}

}  // namespace
}  // namespace embedd::search

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  embedd::search::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
