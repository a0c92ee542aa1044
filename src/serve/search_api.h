/// The routes of `embedd serve`: who may call them, how many at a time, and what they answer.
///
///   POST /v1/vectorizers/{name}/search   POST /v1/vectorizers/{name}/embed   POST /v1/embeddings
///   POST /mcp   GET /v1/vectorizers   GET /healthz   GET /metrics   GET /openapi.json
///   GET /   GET /v1/status   GET /v1/events   GET /v1/vectorizers/{name}/history   GET …/{name}/dead
///   (dashboard_api.h) POST /v1/traces   GET /v1/traces/{id}   POST /v1/traces/search   GET /v1/tags   and
///   these below /api
///
/// Beside a worker in the same process also the worker's GET /livez and GET /readyz, and its metrics.
///
/// Routes below /v1 and /mcp need a token if there is one. Without tokens only requests for a loopback host
/// are answered, because any web page can make a browser send requests to loopback under a name of its own.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/search_service.h"
#include "observe/request_metrics.h"
#include "serve/dashboard_api.h"
#include "serve/http_server.h"
#include "serve/mcp_api.h"
#include "serve/routes.h"
#include "serve/target.h"
#include "serve/token_rates.h"
#include "serve/tokens.h"
#include "serve/traces_api.h"

namespace embedd::serve {

class SearchApi final : public HttpHandler {
 public:
  struct Limits {
    int requests = 64;  ///< that need a token if there is one, at a time
    int requests_of_a_token = 32;
  };

  /// The references must outlive this object, and so must `worker`, the routes of the worker in this
  /// process; null: there is no worker. `redis`: where the tokens' rates are shared, which must outlive this
  /// object; null: nowhere.
  SearchApi(app::SearchService& service, McpApi& mcp, TracesApi& traces, DashboardApi& dashboard,
            observe::RequestMetrics& metrics, Tokens tokens, Limits limits, const Routes* worker,
            redis::Client* redis);

  std::optional<HttpReply> admit(const HttpRequest& head, std::shared_ptr<void>& permit) override;
  std::optional<std::uint64_t> most_body(const HttpRequest& head) override;
  void handle(HttpRequest request, std::function<void(HttpReply)> done) override;
  void answered(const HttpRequest& head, const HttpReply& reply) override;
  void connected(std::size_t open) override { metrics_.connections(open); }
  HttpReply refusal(int status, std::string_view code, std::string_view message) override;

 private:
  using Done = std::function<void(HttpReply)>;

  std::optional<HttpReply> check_token(const HttpRequest& head, std::size_t& client) const;
  std::optional<HttpReply> check_rate(std::size_t client, Instant now);
  std::optional<HttpReply> take_permit(std::size_t client, std::shared_ptr<void>& permit);
  /// The rights of the client that sent an admitted request.
  [[nodiscard]] const Rights& rights_of(const HttpRequest& request) const;
  void search(HttpReply reply, const HttpRequest& request, Done done);
  void embed(HttpReply reply, const HttpRequest& request, Done done);
  void embeddings(HttpReply reply, const HttpRequest& request, Done done);
  void list(HttpReply reply, const HttpRequest& request, Done done);
  void health(HttpReply reply, Done done);
  [[nodiscard]] HttpReply of_worker(HttpReply reply, const HttpRequest& request) const;

  app::SearchService& service_;
  McpApi& mcp_;
  TracesApi& traces_;
  DashboardApi& dashboard_;
  observe::RequestMetrics& metrics_;
  const Routes* const worker_;
  const Tokens tokens_;
  const Limits limits_;
  std::atomic<int> active_{0};
  std::vector<std::atomic<int>> active_of_;  ///< by client
  TokenRates rates_;
  const Rights everything_{.write = true};  ///< where there are no tokens
  const Rights nothing_{.vectorizers = {""}};

  /// What the database last answered, so that many probes ask it once a second.
  struct Health {
    std::mutex mutex;
    bool asking = false, up = true;
    Instant asked{};
    std::string message;
  };
  Health health_;
};

}  // namespace embedd::serve
