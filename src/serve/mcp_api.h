/// POST /mcp: the Model Context Protocol over HTTP, without sessions. Each message is answered by itself.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "app/search_service.h"
#include "app/settings.h"
#include "base/units.h"
#include "observe/request_metrics.h"
#include "serve/blocking_calls.h"
#include "serve/http_server.h"
#include "serve/tokens.h"

namespace embedd::serve {

class McpApi {
 public:
  static constexpr std::uint64_t kMostBody = kMiB;

  struct Limits {
    std::size_t calls = 8;            ///< at a time
    Duration deadline = seconds(30);  ///< of a message
  };

  /// The references must outlive this object.
  McpApi(const app::Settings& settings, app::SearchService& service, observe::RequestMetrics& metrics,
         Limits limits)
      : settings_(settings), service_(service), metrics_(metrics), calls_(limits.calls, limits.deadline) {}

  /// Answers an admitted request, whose client has `rights`. Does not block. `reply` names the route.
  void handle(HttpReply reply, const HttpRequest& request, const Rights& rights,
              std::function<void(HttpReply)> done);

 private:
  [[nodiscard]] HttpReply answer(HttpReply reply, const HttpRequest& request, const Rights& rights) const;

  const app::Settings& settings_;
  app::SearchService& service_;
  observe::RequestMetrics& metrics_;
  BlockingCalls calls_;  ///< ends first
};

}  // namespace embedd::serve
