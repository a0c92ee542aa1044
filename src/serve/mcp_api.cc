#include "serve/mcp_api.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "mcp/server.h"
#include "mcp/tools.h"
#include "serve/problem.h"

namespace embedd::serve {
namespace {

HttpReply refused_for_now(HttpReply reply, std::string_view code, std::string_view message) {
  refuse(reply, 503, code, message);
  reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

}  // namespace

void McpApi::handle(HttpReply reply, const HttpRequest& request, const Rights& rights,
                    std::function<void(HttpReply)> done) {
  auto late = refused_for_now(reply, "deadline", "the answer took too long: ask for less");
  auto call = [this, reply, request, rights] { return answer(reply, request, rights); };
  if (calls_.run(std::move(call), std::move(late), done)) return;
  metrics_.limited();
  done(refused_for_now(std::move(reply), "too_many_requests",
                       "as many messages of agents are being answered as may be; try again in a second"));
}

HttpReply McpApi::answer(HttpReply reply, const HttpRequest& request, const Rights& rights) const {
  mcp::Tools tools(settings_, service_,
                   {.may_use = [&rights](std::string_view name) { return rights.may_use(name); },
                    .filter = rights.filter});
  bool failed = false;
  mcp::Server server([&](std::string_view name, std::optional<simdjson::dom::object> arguments) {
    auto result = tools.call(name, arguments);
    failed = result && result->failed;
    return result;
  });
  const mcp::Headers headers{.protocol_version = request.mcp_protocol_version,
                             .method = request.mcp_method,
                             .name = request.mcp_name};
  auto answered = server.handle(request.body, &headers);
  if (!answered) {  // a notification
    reply.status = 202;
    return reply;
  }
  reply.status = answered->status;
  if (answered->error != 0)
    reply.code = std::to_string(answered->error);
  else if (failed)
    reply.code = "tool_failed";
  reply.body = std::move(answered->json) + "\n";
  return reply;
}

}  // namespace embedd::serve
