/// An HTTP/1.1 server on a thread of its own, for requests that other threads answer.
///
/// A connection has one request at a time: what a client sends ahead stays in the socket. The head comes
/// first, and the handler decides by the head whether the body is read. Everything is bounded: connections,
/// bytes of head and body, and the time that a client may take to send or to read. If there is a connection
/// too many, the one that has waited longest for its next request is closed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/units.h"
#include "serve/listener.h"

namespace embedd::serve {

class Tls;

struct HttpRequest {
  std::string method, target;
  std::string authorization, content_type, host;
  std::string api_key;                                     ///< `X-API-Key`
  std::string origin;                                      ///< `Origin`: a web page's
  std::string mcp_protocol_version, mcp_method, mcp_name;  ///< `MCP-Protocol-Version` and so on
  std::string id;  ///< `X-Request-ID`, if that is short and plain; else a new one
  std::string body;
  Instant began{};
};

/// Takes the text of server-sent events for one connection. Thread-safe; does not block. If the client reads
/// slowly, a text that was not begun is replaced by the next one. Ignored once the connection is closed.
using EventSink = std::function<void(std::string)>;

struct HttpReply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  /// Names for the log and the metrics.
  std::string route = "other", vectorizer, code;
  std::string fault;  ///< what went wrong here, for the operator
  int hits = 0;
  /// A reply without end: is called on the server's thread when the head was sent, and must not block. What
  /// it returns is destroyed when the connection closes, which stop() does at once.
  std::function<std::shared_ptr<void>(EventSink)> events{};
};

class HttpHandler {
 public:
  virtual ~HttpHandler() = default;
  /// Called on the server's thread when the head has come; must not block. A reply refuses the request, and
  /// its body is not read. `permit` is kept until the reply was sent.
  virtual std::optional<HttpReply> admit(const HttpRequest& head, std::shared_ptr<void>& permit) = 0;
  /// Most bytes of the body of an admitted request; none: Limits::body_bytes.
  virtual std::optional<std::uint64_t> most_body(const HttpRequest& /*head*/) { return std::nullopt; }
  /// Called on the server's thread; must not block. `done` may be called on any thread, once.
  virtual void handle(HttpRequest request, std::function<void(HttpReply)> done) = 0;
  /// The reply was sent, or could not be.
  virtual void answered(const HttpRequest& head, const HttpReply& reply) = 0;
  /// So many connections are open now. Called on the server's thread; must not block.
  virtual void connected(std::size_t open) {}
  /// A reply of the server's own.
  virtual HttpReply refusal(int status, std::string_view code, std::string_view message) = 0;
};

class HttpServer {
 public:
  struct Limits {
    std::size_t connections = 1000;
    std::uint32_t head_bytes = 16 * kKiB;
    std::uint64_t body_bytes = 512 * kKiB;
    Duration idle = seconds(30);  ///< from one reply to the next head
    Duration body = seconds(10);  ///< for a body, and for TLS to be agreed on
    Duration write = seconds(30);
    Duration beat = seconds(8);  ///< between comments, where there are no events
    Duration drain = seconds(35);
  };

  /// Without `tls`, the server speaks plain HTTP. `handler` must outlive stop(), and this object must outlive
  /// the last call of a `done`. Errors: unavailable if the address cannot be listened on.
  static Result<std::unique_ptr<HttpServer>> start(const ListenAddress& address, Limits limits,
                                                   std::optional<Tls> tls, HttpHandler& handler);
  ~HttpServer();

  /// Accepts no more, closes idle connections, and waits until the requests under way are answered, at most
  /// Limits::drain.
  void stop();

  [[nodiscard]] std::uint16_t port() const;
  /// "127.0.0.1:43210"
  [[nodiscard]] std::string address() const;
  [[nodiscard]] std::size_t connections() const;

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace embedd::serve
