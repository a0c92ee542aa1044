/// The plainest HTTP client: one connection, one request, all of the answer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace embedd::test {

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
