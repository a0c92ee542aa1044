/// Whatever a host sends as a message: the answer is one line of JSON-RPC with the message's id, and a
/// notification has none. A search's answer keeps within its bytes, whatever stands in the rows.

#define SIMDJSON_EXCEPTIONS 0
#include <simdjson.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/check.h"
#include "mcp/hits_text.h"
#include "mcp/server.h"

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

void check_hits(std::string_view row) {
  constexpr std::size_t kMost = 5000;
  app::SearchAnswer found;
  for (int i = 0; i < 20; ++i) found.found.hits.push_back({.key = R"({"id": 5})", .row = std::string(row)});
  CHECK(hits_text(found, 100, kMost).size() <= kMost, "row {}", row);
}

}  // namespace
}  // namespace embedd::mcp

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace embedd::mcp;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  Server server([](std::string_view name, const std::optional<simdjson::dom::object>& arguments) {
    std::optional<ToolResult> out;
    if (name == "search")
      out = ToolResult{.text = arguments ? simdjson::minify(*arguments) : std::string("none")};
    return out;
  });
  if (const auto answer = server.handle(input)) check_answer(answer->json);
  check_hits(input);
  return 0;
}
