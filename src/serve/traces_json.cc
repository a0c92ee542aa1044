#include "serve/traces_json.h"

#include <set>

#include "base/json.h"
#include "base/units.h"
#include "search/json_fields.h"

namespace embedd::serve {
namespace {

using search::Json;

constexpr std::size_t kMostText = kMiB, kMostTags = 1000, kMostValue = 4096;

bool is_null(const Json& value) { return value.type() == simdjson::dom::element_type::NULL_VALUE; }

/// Calls `read` for each field that is not null.
template <typename Read>
Result<void> each_field(std::string_view body, Read read) {
  simdjson::dom::parser parser;
  const Json root = TRY(search::parse_json(parser, body));
  std::set<std::string_view> seen;
  for (const auto& [name, value] : TRY(root.object())) {
    if (!seen.insert(name).second) return value.wrong("is there twice");
    if (!is_null(value)) TRY(read(name, value));
  }
  return {};
}

Result<std::vector<std::string>> read_tags(const Json& value) {
  std::vector<std::string> out;
  for (const Json& tag : TRY(value.array(kMostTags))) out.push_back(TRY(tag.text(kMostValue, true)));
  return out;
}

Result<std::string> read_object(const Json& value) {
  TRY(value.object());
  return value.json(kMostText);
}

Result<void> read_query_field(search::TraceQuery& query, std::string_view name, const Json& value) {
  if (name == "q") {
    query.q = TRY(value.text(kMostText, true));
  } else if (name == "tags") {
    query.tags = TRY(read_tags(value));
  } else if (name == "limit") {
    query.limit = TRY(value.whole(1, search::kMaxTraces));
  } else if (name == "include_expired") {
    query.include_expired = TRY(value.flag());
  } else if (name == "context") {
    TRY(value.object());  // the order does not depend on it
  } else {
    return value.wrong("is not known; there are q, tags, limit, context and include_expired");
  }
  return {};
}

Result<void> read_new_field(search::NewTrace& trace, std::string_view name, const Json& value) {
  if (name == "title") {
    trace.title = TRY(value.text(kMostText));
  } else if (name == "context_text") {
    trace.context_text = TRY(value.text(kMostText));
  } else if (name == "solution_text") {
    trace.solution_text = TRY(value.text(kMostText));
  } else if (name == "tags") {
    trace.tags = TRY(read_tags(value));
  } else if (name == "agent_model" || name == "agent_version" || name == "watch_condition" ||
             name == "review_after") {
    trace.values.emplace_back(name, TRY(value.text(kMostValue)));
  } else if (name == "metadata_json" || name == "context_fingerprint") {
    trace.values.emplace_back(name, TRY(read_object(value)));
  } else {
    return value.wrong(
        "is not known; there are title, context_text, solution_text, tags, agent_model, agent_version, "
        "metadata_json, context_fingerprint, review_after and watch_condition");
  }
  return {};
}

void write_trace(JsonWriter& json, const search::Trace& trace, bool whole) {
  json.object().key("id").value(trace.id).key("title").value(trace.title);
  json.key("context_text").value(trace.context_text).key("solution_text").value(trace.solution_text);
  if (!whole) {
    json.key("similarity_score").value(trace.similarity);
    json.key("combined_score");
    if (trace.score)
      json.value(*trace.score);
    else
      json.null();
  }
  json.key("tags").array();
  for (const std::string& tag : trace.tags) json.value(tag);
  json.end();
  const auto names = search::trace_fields(whole);
  for (std::size_t i = 0; i < names.size(); ++i) json.key(names[i]).raw(trace.fields[i]);
  json.key("related_traces").raw(trace.related).end();
}

}  // namespace

Result<search::TraceQuery> parse_trace_query(std::string_view body) {
  search::TraceQuery query;
  TRY(each_field(
      body, [&](std::string_view name, const Json& value) { return read_query_field(query, name, value); }));
  return query;
}

Result<search::NewTrace> parse_new_trace(std::string_view body) {
  search::NewTrace trace;
  TRY(each_field(
      body, [&](std::string_view name, const Json& value) { return read_new_field(trace, name, value); }));
  return trace;
}

std::string traces_json(const app::TracesFound& found, std::string_view query) {
  JsonWriter json;
  json.object().key("results").array();
  for (const search::Trace& trace : found.traces) write_trace(json, trace, false);
  json.end().key("total").value(static_cast<std::uint64_t>(found.traces.size())).key("query");
  if (query.empty())
    json.null();
  else
    json.value(query);
  if (found.degraded) {
    json.key("degraded").object().key("leg").value(found.degraded->leg);
    json.key("reason").value(found.degraded->reason).key("message").value(found.degraded->message).end();
  }
  return json.end().str() + "\n";
}

std::string trace_json(const search::Trace& trace) {
  JsonWriter json;
  write_trace(json, trace, search::kWhole);
  return json.str() + "\n";
}

std::string added_json(const search::AddedTrace& added) {
  JsonWriter json;
  json.object().key("id").value(added.id).key("status");
  if (added.status.empty())
    json.null();
  else
    json.value(added.status);
  json.key("message").value("The trace is stored. Searches find it by its meaning once it has its vector.");
  return json.end().str() + "\n";
}

std::string tags_json(const std::vector<std::string>& tags) {
  JsonWriter json;
  json.object().key("tags").array();
  for (const std::string& tag : tags) json.value(tag);
  return json.end().end().str() + "\n";
}

}  // namespace embedd::serve
