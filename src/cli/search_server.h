/// The search service over HTTP, as the settings say: of `embedd serve`, and of `embedd worker --serve`.
#pragma once

#include <memory>
#include <optional>

#include "app/search_service.h"
#include "app/trace_service.h"
#include "base/error.h"
#include "cli/config.h"
#include "observe/request_metrics.h"
#include "redis/client.h"
#include "serve/http_server.h"
#include "serve/mcp_api.h"
#include "serve/routes.h"
#include "serve/search_api.h"
#include "serve/traces_api.h"

namespace embedd::cli {

class SearchServer {
 public:
  /// Listens. `worker`: the routes of the worker in the same process, which this server answers too, and
  /// which must outlive it; null: there is no worker. Errors: invalid_argument (an address, a token or a
  /// certificate), unavailable (the address cannot be listened on).
  static Result<std::unique_ptr<SearchServer>> start(const Config& config, const serve::Routes* worker);
  /// Accepts no more, and waits for the requests under way: at most HttpServer::Limits::drain.
  ~SearchServer();

 private:
  SearchServer(const Config& config, const serve::Routes* worker, serve::Tokens tokens,
               std::optional<redis::Target> redis);

  observe::RequestMetrics metrics_;
  std::unique_ptr<redis::Client> redis_;  ///< may be null
  std::unique_ptr<app::SearchService> service_;
  app::TraceService traces_;
  std::unique_ptr<serve::McpApi> mcp_;
  serve::TracesApi traces_api_;
  std::unique_ptr<serve::DashboardApi> dashboard_;
  serve::SearchApi api_;
  std::unique_ptr<serve::HttpServer> server_;
};

}  // namespace embedd::cli
