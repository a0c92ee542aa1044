/// POST /mcp: the Model Context Protocol over HTTP, without sessions. Each message is answered by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "app/search_service.h"
#include "app/settings.h"
#include "app/trace_service.h"
#include "base/units.h"
#include "mcp/tool.h"
#include "observe/request_metrics.h"
#include "serve/blocking_calls.h"
#include "serve/http_server.h"
#include "serve/tokens.h"

namespace embedd::serve {

class McpApi {
 public:
  static constexpr std::uint64_t kMostBody = kMiB;

  using Limits = BlockingCalls::Limits;

  /// The references must outlive this object.
  McpApi(const app::Settings& settings, app::SearchService& service, app::TraceService& traces,
         observe::RequestMetrics& metrics, Limits limits)
      : settings_(settings), service_(service), traces_(traces), metrics_(metrics), calls_(limits) {}

  /// Answers an admitted request of `client`, who has `rights`. Does not block. `reply` names the route. No
  /// client: there are no tokens.
  void handle(HttpReply reply, const HttpRequest& request, const Rights& rights,
              std::optional<std::size_t> client, std::function<void(HttpReply)> done);

 private:
  [[nodiscard]] HttpReply answer(HttpReply reply, const HttpRequest& request, mcp::Scope scope) const;
  /// Counts the call, and says in `reply` what the log says of it.
  void note(HttpReply& reply, std::string_view tool, const mcp::ToolResult& result, Duration took) const;

  const app::Settings& settings_;
  app::SearchService& service_;
  app::TraceService& traces_;
  observe::RequestMetrics& metrics_;
  BlockingCalls calls_;  ///< ends first
};

}  // namespace embedd::serve
