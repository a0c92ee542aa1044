/// A small HTTP/1.1 server on a thread of its own: one request a connection, everything bounded.
///
/// At most kMaxConnections at a time; for a further connection, the oldest one that has not sent its request
/// is closed. Each connection takes twice kMaxHeaderBytes for its request (as received and parsed), no
/// request body, and its answer. It lasts kTimeout at most, from accept to close.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/units.h"
#include "serve/routes.h"

namespace embedd::serve {

struct ListenAddress {
  std::string host;  ///< numeric, or a name to look up
  std::string port;
};

/// Parses "127.0.0.1:9090", "[::1]:9090", "localhost:0"; ":9090" and "9090" mean loopback. Errors:
/// invalid_argument.
Result<ListenAddress> parse_listen_address(std::string_view text);

class Listener {
 public:
  static constexpr std::size_t kMaxConnections = 64;
  static constexpr std::uint32_t kMaxHeaderBytes = 16 * kKiB;
  static constexpr seconds kTimeout{10};

  /// Called on the listener's thread.
  using Handler = std::function<HttpResponse(std::string_view method, std::string_view target)>;

  /// Binds and begins to serve. Errors: unavailable if the address cannot be listened on (in use, not yet
  /// assigned, an unknown host): a later start may succeed.
  static Result<std::unique_ptr<Listener>> start(const ListenAddress& address, Handler handler);
  /// Stops at once, and cuts off requests under way.
  ~Listener();

  /// The port that the listener uses: the kernel's choice if 0 was given.
  [[nodiscard]] std::uint16_t port() const;
  /// "127.0.0.1:43210".
  [[nodiscard]] std::string address() const;

 private:
  class Impl;
  explicit Listener(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace embedd::serve
