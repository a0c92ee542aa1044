/// Answers messages of the Model Context Protocol, whatever carries them: revision 2026-07-28, in which each
/// request stands for itself, and the revisions before, which begin with `initialize`.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "mcp/message.h"
#include "mcp/tools.h"

namespace embedd::mcp {

class Server {
 public:
  /// None if there is no tool of that name. The arguments are valid during the call.
  using CallTool = std::function<std::optional<ToolResult>(std::string_view name,
                                                           std::optional<simdjson::dom::object> arguments)>;

  explicit Server(CallTool call) : call_(std::move(call)) {}

  /// The answer, one line of JSON without its end; or none. Blocks while a tool works.
  std::optional<std::string> handle(std::string_view message);

 private:
  /// Whether the request names its revision, as the newest wants; or the answer to a request that names it
  /// wrongly.
  [[nodiscard]] static std::expected<bool, std::string> is_modern(const Request& request);
  [[nodiscard]] std::string call_tool(const Request& request, bool modern) const;

  CallTool call_;
  simdjson::dom::parser parser_;
};

}  // namespace embedd::mcp
