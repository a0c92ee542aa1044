/// Whatever bytes a client sends to the HTTP server: the connection ends, each reply is a reply of HTTP/1.1
/// with a status that the server gives, no more requests are handled than were sent, and no head or body is
/// larger than its limit. Reading a target, and the query of a target, must not crash.

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

#include "base/check.h"
#include "serve/http_session.h"
#include "serve/query.h"
#include "serve/target.h"

namespace embedd::serve {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;

constexpr HttpServer::Limits kLimits{.head_bytes = 2 * kKiB, .body_bytes = 4 * kKiB};
constexpr std::uint64_t kMostOfMcp = 64;
constexpr std::size_t kMostInput = 256 * kKiB;
constexpr int kGiven[] = {200, 400, 404, 405, 413, 431};

bool is_plain(std::string_view id) {
  return !id.empty() && id.size() <= 64 &&
         id.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") ==
             std::string_view::npos;
}

class Handler : public HttpHandler {
 public:
  std::optional<HttpReply> admit(const HttpRequest& head, std::shared_ptr<void>& /*permit*/) override {
    check(head);
    const Target target = target_of(head.target);
    if (target.route == Route::unknown) return refusal(404, "not_found", "");
    if (target.posts() && head.method != "POST") return refusal(405, "method_not_allowed", "");
    return std::nullopt;
  }
  std::optional<std::uint64_t> most_body(const HttpRequest& head) override {
    if (target_of(head.target).route == Route::mcp) return kMostOfMcp;
    return std::nullopt;
  }
  void handle(HttpRequest request, std::function<void(HttpReply)> done) override {
    check(request);
    const std::uint64_t most = most_body(request).value_or(kLimits.body_bytes);
    CHECK(request.body.size() <= most, "{} bytes of body", request.body.size());
    ++handled;
    std::string said;
    if (const auto query = query_of(request.target))
      for (const auto& [name, value] : *query) said += name + value;
    CHECK(said.find('\0') == std::string::npos, "NUL in the query of {}", request.target);
    done({.body = said});
  }
  void answered(const HttpRequest& head, const HttpReply& /*reply*/) override {
    without_body.push_back(head.method == "HEAD");
  }
  HttpReply refusal(int status, std::string_view code, std::string_view /*message*/) override {
    return {.status = status, .body = std::string(code)};
  }

  std::vector<bool> without_body;  ///< of the replies, in order
  std::size_t handled = 0;

 private:
  static void check(const HttpRequest& head) {
    CHECK(is_plain(head.id), "id {}", head.id);
    CHECK(head.target.size() + head.authorization.size() + head.host.size() <= kLimits.head_bytes,
          "a head of more than {} bytes", kLimits.head_bytes);
  }
};

/// One connection, all of it on this thread.
class Exchange {
 public:
  explicit Exchange(Handler& handler) : sessions_(kLimits, handler) {
    // Not of TCP, so that thousands a second use up no ports.
    int ends[2];
    CHECK(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0, "no socket pair");
    client_.assign(tcp::v4(), ends[0]);
    client_.non_blocking(true);
    tcp::socket server(io_);
    server.assign(tcp::v4(), ends[1]);
    start_session(std::move(server), nullptr, sessions_);
  }

  /// Sends `bytes` in pieces, and no more after them. Returns what comes back until the connection ends.
  std::string send(std::string_view bytes, std::size_t piece) {
    while (!bytes.empty() && !sessions_.open.empty()) {
      error_code error;
      bytes.remove_prefix(client_.write_some(asio::buffer(bytes.substr(0, piece)), error));
      if (error && error != asio::error::would_block) break;
      turn();
    }
    error_code ignored;
    (void)client_.shutdown(tcp::socket::shutdown_send, ignored);
    for (int turns = 0; !sessions_.open.empty(); ++turns) {
      CHECK(turns < 10'000, "the connection does not end");
      turn();
    }
    receive();
    return std::move(received_);
  }

 private:
  void turn() {
    io_.restart();
    (void)io_.run_one_for(std::chrono::milliseconds(1));
    (void)io_.poll();
    receive();
  }
  void receive() {
    char some[4096];
    error_code error;
    while (const std::size_t size = client_.read_some(asio::buffer(some), error))
      received_.append(some, size);
  }

  asio::io_context io_;
  HttpSessions sessions_;
  tcp::socket client_{io_};
  std::string received_;
};

void check_replies(std::string_view received, const Handler& handler) {
  std::size_t replies = 0;
  while (!received.empty()) {
    http::response_parser<http::string_body> parser;
    parser.eager(true);
    if (replies < handler.without_body.size()) parser.skip(handler.without_body[replies]);
    error_code error;
    while (!parser.is_done() && !error && !received.empty())
      received.remove_prefix(parser.put(asio::const_buffer(received.data(), received.size()), error));
    CHECK(!error && parser.is_done(), "not a reply: {}", error.message());
    const int status = parser.get().result_int();
    if (status == 100) continue;
    CHECK(std::ranges::find(kGiven, status) != std::end(kGiven), "status {}", status);
    CHECK(is_plain(std::string(parser.get()["X-Request-ID"])), "no id");
    ++replies;
  }
  CHECK(replies == handler.without_body.size(), "{} replies of {}", replies, handler.without_body.size());
  CHECK(handler.handled <= replies, "{} requests were handled, and {} answered", handler.handled, replies);
}

}  // namespace
}  // namespace embedd::serve

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace embedd::serve;
  if (size == 0 || size > kMostInput) return 0;
  // The first byte says in how large pieces the others arrive.
  const std::size_t piece = data[0] == 0 ? size : std::size_t{data[0]} * 16;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  (void)target_of(bytes);
  (void)query_of(bytes);
  Handler handler;
  check_replies(Exchange(handler).send(bytes, piece), handler);
  return 0;
}
