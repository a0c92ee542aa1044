/// Answers messages of the Model Context Protocol, whatever carries them: revision 2026-07-28, in which each
/// request stands for itself, and the revisions before, which begin with `initialize`.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "mcp/message.h"
#include "mcp/tools.h"

namespace embedd::mcp {

class Server {
 public:
  /// `tools` must outlive this object.
  explicit Server(Tools& tools) : tools_(tools) {}

  /// The answer, one line of JSON without its end; or none. Blocks while a tool works.
  std::optional<std::string> handle(std::string_view message);

 private:
  /// Set by a request of the revision in which each request names its revision.
  struct Envelope {
    bool modern = false;
  };
  [[nodiscard]] std::expected<Envelope, std::string> envelope_of(const Request& request) const;
  [[nodiscard]] std::string call_tool(const Request& request, Envelope envelope);

  Tools& tools_;
  simdjson::dom::parser parser_;
};

}  // namespace embedd::mcp
