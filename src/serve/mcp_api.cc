#include "serve/mcp_api.h"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "mcp/server.h"
#include "mcp/tools.h"
#include "serve/problem.h"

namespace embedd::serve {
namespace {

/// `code`: for the log.
HttpReply refused_for_now(HttpReply reply, const HttpRequest& request, int status, const char* code,
                          std::string_view says) {
  reply.status = status;
  reply.code = code;
  reply.body = mcp::refusal_of(request.body, mcp::kBusy, says).json + "\n";
  reply.headers.emplace_back("Retry-After", "1");
  return reply;
}

/// Nobody has said that agents may write to a server without tokens.
mcp::Scope scope_of(const Rights& rights, bool has_token) {
  return {.may_use = [rights](std::string_view name) { return rights.may_use(name); },
          .filter = rights.filter,
          .read_only = has_token ? rights.read_only()
                                 : "this server has no tokens, and without a token agents may not add traces",
          .contributor = rights.contributor};
}

}  // namespace

void McpApi::handle(HttpReply reply, const HttpRequest& request, const Rights& rights,
                    std::optional<std::size_t> client, std::function<void(HttpReply)> done) {
  using Started = BlockingCalls::Started;
  auto late = refused_for_now(reply, request, 503, "deadline", "the answer took too long: ask for less");
  auto call = [this, reply, request, scope = scope_of(rights, client.has_value())] {
    return answer(reply, request, scope);
  };
  const Started started = calls_.run(client, std::move(call), std::move(late), done);
  if (started == Started::yes) return;
  metrics_.limited();
  const bool of_one = started == Started::too_many_of_one;
  done(refused_for_now(
      std::move(reply), request, of_one ? 429 : 503, "too_many_requests",
      of_one ? "as many messages of this token are being answered as may be; try again in a second"
             : "as many messages of agents are being answered as may be; try again in a second"));
}

void McpApi::note(HttpReply& reply, std::string_view tool, const mcp::ToolResult& result,
                  Duration took) const {
  metrics_.tool_called(std::string(tool), result.failed ? result.code : "ok", took);
  if (result.tagged) metrics_.traces_searched(*result.tagged, took);
  reply.vectorizer = result.vectorizer;
  reply.hits = static_cast<int>(result.hits);
  if (result.degraded) {
    metrics_.degraded(result.degraded->leg, result.degraded->reason);
    reply.code = "degraded_" + result.degraded->reason;
  }
  if (!result.failed) return;
  reply.code = result.code;
  if (status_of(result.code) >= 500) reply.fault = result.text;
}

HttpReply McpApi::answer(HttpReply reply, const HttpRequest& request, mcp::Scope scope) const {
  mcp::Tools tools(settings_, service_, traces_, std::move(scope));
  const auto call = [&](std::string_view name, mcp::Arguments arguments) {
    const Instant begin = std::chrono::steady_clock::now();
    auto result = tools.call(name, arguments);
    if (result) note(reply, name, *result, std::chrono::steady_clock::now() - begin);
    return result;
  };
  mcp::Server server(call, [&tools](std::string_view name) { return tools.offers(name); });
  const mcp::Headers headers{.protocol_version = request.mcp_protocol_version,
                             .method = request.mcp_method,
                             .name = request.mcp_name};
  auto answered = server.handle(request.body, &headers);
  if (!answered) {  // a notification
    reply.status = 202;
    return reply;
  }
  reply.status = answered->status;
  if (answered->error != 0) reply.code = std::to_string(answered->error);
  reply.body = std::move(answered->json) + "\n";
  return reply;
}

}  // namespace embedd::serve
