#include "search/trace_request.h"

#include <set>

#include "base/units.h"
#include "search/json_fields.h"

namespace embedd::search {
namespace {

constexpr std::size_t kMostText = kMiB, kMostTags = 1000, kMostValue = 4096;

bool is_null(const Json& value) { return value.type() == simdjson::dom::element_type::NULL_VALUE; }

/// Calls `read` for each field that is not null.
template <typename Read>
Result<void> each_field(std::string_view body, Read read) {
  simdjson::dom::parser parser;
  const Json root = TRY(parse_json(parser, body));
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

Result<void> read_query_field(TraceQuery& query, std::string_view name, const Json& value) {
  if (name == "q") {
    query.q = TRY(value.text(kMostText, true));
  } else if (name == "tags") {
    query.tags = TRY(read_tags(value));
  } else if (name == "limit") {
    query.limit = TRY(value.whole(1, kMaxTraces));
  } else if (name == "include_expired") {
    query.include_expired = TRY(value.flag());
  } else if (name == "context") {
    TRY(value.object());  // the order does not depend on it
  } else {
    return value.wrong("is not known; there are q, tags, limit, context and include_expired");
  }
  return {};
}

Result<void> read_new_field(NewTrace& trace, std::string_view name, const Json& value) {
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

}  // namespace

Result<TraceQuery> parse_trace_query(std::string_view body) {
  TraceQuery query;
  TRY(each_field(
      body, [&](std::string_view name, const Json& value) { return read_query_field(query, name, value); }));
  return query;
}

Result<NewTrace> parse_new_trace(std::string_view body) {
  NewTrace trace;
  TRY(each_field(
      body, [&](std::string_view name, const Json& value) { return read_new_field(trace, name, value); }));
  return trace;
}

}  // namespace embedd::search
