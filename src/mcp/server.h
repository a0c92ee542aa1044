/// Answers messages of the Model Context Protocol, whatever carries them: revision 2026-07-28, in which each
/// request stands for itself, and the revisions before, which begin with `initialize`.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "mcp/headers.h"
#include "mcp/message.h"
#include "mcp/tool.h"

namespace embedd::mcp {

class Server {
 public:
  /// None if there is no tool of that name. The arguments are valid during the call.
  using CallTool = std::function<std::optional<ToolResult>(std::string_view name,
                                                           std::optional<simdjson::dom::object> arguments)>;

  /// Whether a tool is listed. May block.
  using OffersTool = std::function<bool(std::string_view name)>;

  Server(CallTool call, OffersTool offers) : call_(std::move(call)), offers_(std::move(offers)) {}

  /// The reply, or none. `headers`: of the HTTP request that carried the message; null: nothing but the
  /// message came. Blocks while a tool works.
  std::optional<Reply> handle(std::string_view message, const Headers* headers = nullptr);

 private:
  /// Whether the request names its revision, as the newest wants; or the reply to a request that names it
  /// wrongly.
  [[nodiscard]] static std::expected<bool, Reply> is_modern(const Request& request, const Headers* headers);
  [[nodiscard]] Reply call_tool(const Request& request, bool modern) const;
  [[nodiscard]] Reply listed(const Request& request, bool modern) const;

  CallTool call_;
  OffersTool offers_;
  simdjson::dom::parser parser_;
};

}  // namespace embedd::mcp
