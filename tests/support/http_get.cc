#include "support/http_get.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace embedd::test {

Client::Client(std::uint16_t port) : descriptor_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(descriptor_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0) return;
  close(descriptor_);
  descriptor_ = -1;
}

Client::~Client() {
  if (descriptor_ >= 0) close(descriptor_);
}

bool Client::send(std::string_view text) const {
  return ::send(descriptor_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

std::string Client::receive() const {
  std::string answer;
  char buffer[4096];
  for (ssize_t got = 0; (got = recv(descriptor_, buffer, sizeof buffer, 0)) > 0;)
    answer.append(buffer, static_cast<std::size_t>(got));
  return answer;
}

std::string talk_to(std::uint16_t port, std::string_view request) {
  const Client client(port);
  return client.send(request) ? client.receive() : "";
}

HttpAnswer http_get(std::uint16_t port, std::string_view target, std::string_view method) {
  const std::string text = talk_to(port, fmt::format("{} {} HTTP/1.1\r\nHost: test\r\n\r\n", method, target));
  const std::size_t end = text.find("\r\n\r\n");
  if (!text.starts_with("HTTP/1.1 ") || end == std::string::npos) return {};
  return {std::atoi(text.c_str() + 9), text.substr(0, end), text.substr(end + 4)};
}

}  // namespace embedd::test
