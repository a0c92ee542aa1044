/// The dashboard: its page, and what the page asks for.
///
///   GET /   GET /dashboard/FILE   GET /v1/status   GET /v1/events   GET /v1/vectorizers/{name}/history
///   GET /v1/vectorizers/{name}/dead   POST /v1/vectorizers/{name}/dead/retry   POST …/dead/purge
///
/// The page is a part of the binary. Its files contain no data, so they need no token.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "app/settings.h"
#include "pg/connection.h"
#include "schema/dead_letters.h"
#include "schema/vectorizers.h"
#include "serve/blocking_calls.h"
#include "serve/http_server.h"
#include "serve/status_feed.h"
#include "serve/status_json.h"
#include "serve/target.h"
#include "serve/tokens.h"

namespace embedd::serve {

class DashboardApi {
 public:
  /// Most connections with events at the same time.
  static constexpr int kMostWatching = 64;
  static constexpr int kMostDeadLetters = 1000;

  /// `settings` must outlive this object.
  explicit DashboardApi(const app::Settings& settings) : settings_(settings), feed_(settings), calls_({}) {}

  /// Answers an admitted request of `client`, who has `rights`. Does not block. `reply` names the route. No
  /// client: there are no tokens.
  void handle(HttpReply reply, const HttpRequest& request, const Target& target, const Rights& rights,
              std::optional<std::size_t> client, std::function<void(HttpReply)> done);

 private:
  using Done = std::function<void(HttpReply)>;
  /// The body of the answer.
  using Work = std::function<Result<std::string>(pg::Connection&, const schema::VectorizerInfo&)>;

  static HttpReply file(HttpReply reply, const std::string& name);
  void status(HttpReply reply, Viewer viewer, Done done);
  HttpReply events(HttpReply reply, Viewer viewer);
  void dead(HttpReply reply, const HttpRequest& request, const Target& target, const Viewer& viewer,
            std::optional<std::size_t> client, const Done& done);
  void history(HttpReply reply, const HttpRequest& request, std::optional<std::size_t> client,
               const Done& done);
  void run(HttpReply reply, std::optional<std::size_t> client, Work work, const Done& done);

  const app::Settings& settings_;
  StatusFeed feed_;
  std::shared_ptr<std::atomic<int>> watching_ = std::make_shared<std::atomic<int>>(0);
  BlockingCalls calls_;  ///< ends first
};

}  // namespace embedd::serve
