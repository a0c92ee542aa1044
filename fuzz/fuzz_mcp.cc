/// Whatever a host sends as a message: the answer is one line of JSON-RPC with the message's id, and a
/// notification has none. Headers of HTTP change the status and the error, and nothing else. A search's
/// answer keeps within its bytes, whatever stands in the rows or traces.

#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "mcp/hits_text.h"
#include "mcp/server.h"
#include "mcp/traces_text.h"
#include "serve/host.h"
#include "text/utf8.h"

namespace embedd::mcp {
namespace {

void check_answer(const std::string& answer) {
  CHECK(answer.find('\n') == std::string::npos, "{}", answer);
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  CHECK(!parser.parse(answer).get(root), "{}", answer);
  CHECK(root["result"].error() || root["error"].error(), "both: {}", answer);
  CHECK(!root["result"].error() || !root["error"].error(), "neither: {}", answer);
  simdjson::dom::element id;
  CHECK(!root["id"].get(id), "{}", answer);
}

std::string id_of(const std::string& answer) {
  simdjson::dom::parser parser;
  simdjson::dom::element root, id;
  CHECK(!parser.parse(answer).get(root) && !root["id"].get(id), "{}", answer);
  return simdjson::minify(id);
}

/// A message that nobody has the time for is refused with the id that its answer would have.
void check_busy(std::string_view input, const std::optional<Reply>& answered) {
  const std::string refused = refusal_of(input, kBusy, "later").json;
  check_answer(refused);
  if (answered) CHECK(id_of(refused) == id_of(answered->json), "{} {}", refused, input);
}

void check_hits(std::string_view row) {
  constexpr std::size_t kMost = 5000;
  app::SearchAnswer found;
  for (int i = 0; i < 20; ++i) found.found.hits.push_back({.key = R"({"id": 5})", .row = std::string(row)});
  CHECK(hits_text(found, 100, kMost).size() <= kMost, "row {}", row);
}

void check_traces(std::string_view text) {
  constexpr std::size_t kMost = 10'000;
  if (!utf8::valid(text)) return;
  JsonWriter json;
  json.value(text);
  search::Trace trace{.title = std::string(text),
                      .solution_text = std::string(text),
                      .tags = {200, std::string(text)},
                      .related = json.str()};
  trace.fields.assign(search::trace_fields(search::kWhole).size(), json.str());
  for (std::size_t from = 0; from < 3; ++from)
    CHECK(trace_text(trace, from, kMost).size() <= kMost, "trace {}", text);
  const app::TracesFound found{.traces = {20, trace}, .model = "m"};
  for (const bool full : {false, true})
    CHECK(traces_text(found, true, {.text_bytes = 4000, .full = full}, kMost).size() <= kMost, "{}", text);
  CHECK(tags_text(trace.tags, text.substr(0, 2), kMost).size() <= kMost, "tags {}", text);
}

/// The first lines of the input are headers, the rest is the message.
void check_http(Server& server, std::string_view input) {
  std::string lines[4];
  for (std::string& line : lines) {
    const std::size_t end = std::min(input.find('\n'), input.size());
    line = input.substr(0, end);
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  const Headers headers{.protocol_version = lines[0], .method = lines[1], .name = lines[2]};
  if (!lines[3].empty())
    CHECK(!serve::is_own_origin("http://a." + lines[3], lines[3]) ||
              lines[3].find_first_of(":[") != std::string::npos,
          "{}", lines[3]);
  const auto reply = server.handle(input, &headers);
  if (!reply) return;
  check_answer(reply->json);
  CHECK(reply->status == 200 || reply->status == 400 || reply->status == 404, "{}", reply->json);
  CHECK(reply->error != 0 || reply->status == 200, "{}", reply->json);
}

}  // namespace
}  // namespace embedd::mcp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace embedd::mcp;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Server server(
      [](std::string_view name, const std::optional<simdjson::dom::object>& arguments) {
        std::optional<ToolResult> out;
        if (name == "search")
          out = ToolResult{.text = arguments ? simdjson::minify(*arguments) : std::string("none")};
        return out;
      },
      [](std::string_view name) { return name != "status"; });
  const auto answer = server.handle(input);
  if (answer) check_answer(answer->json);
  check_busy(input, answer);
  check_http(server, input);
  check_hits(input);
  check_traces(input);
  return 0;
}
