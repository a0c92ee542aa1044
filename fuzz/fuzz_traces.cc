/// Whatever a client sends as a search for traces or as a new trace, reading it must not crash, must say
/// which field is wrong, and must keep within the bounds; and what is written of it is JSON.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "search/json_fields.h"
#include "search/trace_request.h"
#include "serve/traces_json.h"

namespace embedd::serve {
namespace {

void check_refusal(const Error& error) {
  CHECK(error.kind == ErrorKind::invalid_argument, "kind {}", name_of(error.kind));
  CHECK(error.message.starts_with("the body ") || error.message.find(": ") != std::string::npos,
        "no field in {}", error.message);
}

void check_json(const std::string& json) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  CHECK(!parser.parse(json).get(root), "not JSON: {}", json);
}

void check_query(std::string_view body) {
  const auto query = search::parse_trace_query(body);
  if (!query) return check_refusal(query.error());
  CHECK(query->limit >= 1 && query->limit <= search::kMaxTraces, "limit {}", query->limit);
  CHECK(query->q.find('\0') == std::string::npos, "NUL in {}", query->q);
  check_json(traces_json({}, query->q));
}

void check_new(std::string_view body) {
  const auto trace = search::parse_new_trace(body);
  if (!trace) return check_refusal(trace.error());
  for (const auto& [name, value] : trace->values) {
    CHECK(value.find('\0') == std::string::npos, "NUL in {}", name);
    if (name == "metadata_json" || name == "context_fingerprint") check_json(value);
  }
  search::Trace shown{.title = trace->title, .tags = trace->tags, .related = "[]"};
  shown.fields.assign(search::trace_fields(search::kWhole).size(), "null");
  check_json(trace_json(shown));
  check_json(tags_json(trace->tags));
}

}  // namespace
}  // namespace embedd::serve

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size);
  embedd::serve::check_query(body);
  embedd::serve::check_new(body);
  return 0;
}
