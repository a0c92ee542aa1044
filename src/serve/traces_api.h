/// The routes of the traces service: what clients of the first user's own server ask, and what they expect.
#pragma once

#include <cstdint>
#include <functional>

#include "app/trace_service.h"
#include "base/units.h"
#include "observe/request_metrics.h"
#include "serve/http_server.h"
#include "serve/target.h"
#include "serve/tokens.h"

namespace embedd::serve {

class TracesApi {
 public:
  static constexpr std::uint64_t kMostBody = kMiB;
  /// The status of a request that is wrong.
  static constexpr int kInvalid = 422;

  /// The references must outlive this object.
  TracesApi(app::TraceService& service, observe::RequestMetrics& metrics)
      : service_(service), metrics_(metrics) {}

  /// Answers an admitted request, whose client has `rights`. Does not block. `reply` names the route.
  void handle(HttpReply reply, const HttpRequest& request, const Target& target, const Rights& rights,
              std::function<void(HttpReply)> done);

 private:
  using Done = std::function<void(HttpReply)>;

  void search(HttpReply reply, const HttpRequest& request, const Rights& rights, Done done);
  void add(HttpReply reply, const HttpRequest& request, const Rights& rights, Done done);

  app::TraceService& service_;
  observe::RequestMetrics& metrics_;
};

}  // namespace embedd::serve
