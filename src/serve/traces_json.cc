#include "serve/traces_json.h"

#include "base/json.h"

namespace embedd::serve {
namespace {

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
