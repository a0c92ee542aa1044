/// The plainest HTTP client: one connection, one request, all of the answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace embedd::test {

/// One connection to 127.0.0.1:`port`.
class Client {
 public:
  explicit Client(std::uint16_t port);
  ~Client();
  Client(Client&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  Client& operator=(Client&&) = delete;

  /// False if there is no connection, or it does not take all of it.
  [[nodiscard]] bool send(std::string_view text) const;
  /// What comes until the server closes.
  [[nodiscard]] std::string receive() const;
  [[nodiscard]] int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;  ///< -1: no connection
};

/// Sends `request` as it is to 127.0.0.1:`port` and returns what comes until the server closes; empty if it
/// cannot be reached.
std::string talk_to(std::uint16_t port, std::string_view request);

struct HttpAnswer {
  int status = 0;  ///< 0: nothing came
  std::string head;
  std::string body;
};
HttpAnswer http_get(std::uint16_t port, std::string_view target, std::string_view method = "GET");

}  // namespace embedd::test
