#include "support/private_redis.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <thread>
#include <utility>

namespace embedd::test {
namespace {

int free_port() {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  const bool bound = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 &&
                     getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0;
  close(fd);
  if (!bound) throw std::runtime_error("no free port on loopback");
  return ntohs(address.sin_port);
}

Instant soon() { return std::chrono::steady_clock::now() + seconds(10); }

}  // namespace

PrivateRedis::PrivateRedis(std::vector<std::string> arguments, std::string password)
    : port_(free_port()), arguments_(std::move(arguments)), password_(std::move(password)) {
  if (!password_.empty()) arguments_.insert(arguments_.end(), {"--requirepass", password_});
  start();
}

std::string PrivateRedis::url() const { return fmt::format("redis://127.0.0.1:{}/0", port_); }

std::string PrivateRedis::url(const std::string& password) const {
  return fmt::format("redis://:{}@127.0.0.1:{}", password, port_);
}

redis::Target PrivateRedis::target() const {
  return {.host = "127.0.0.1", .port = port_, .password = Secret(password_)};
}

std::string PrivateRedis::ask(redis::Words words) const {
  redis::Connection connection;
  if (auto opened = connection.open(target(), soon()); !opened)
    throw std::runtime_error(opened.error().message);
  const auto replies = connection.run({std::move(words)}, soon());
  if (!replies) throw std::runtime_error(replies.error().message);
  const redis::Reply& reply = replies->front();
  if (reply.kind == redis::Reply::Kind::nothing) return "(nothing)";
  return reply.kind == redis::Reply::Kind::refusal ? fmt::format("({})", reply.text) : reply.text;
}

std::string PrivateRedis::only_key(const std::string& prefix) const {
  // One text, because the connection takes no lists.
  return ask({"EVAL", "return table.concat(redis.call('KEYS', ARGV[1] .. '*'), ' ')", "0", prefix});
}

void PrivateRedis::kill() {
  process_->signal(SIGKILL);
  process_->wait();
}

void PrivateRedis::start() {
  std::vector<std::string> all{"--port", std::to_string(port_), "--bind", "127.0.0.1", "--save",
                               "",       "--appendonly",        "no",     "--dir",     directory_.file(".")};
  all.insert(all.end(), arguments_.begin(), arguments_.end());
  process_ = std::make_unique<Process>(ProcessOptions{.arguments = all, .program = "/usr/bin/redis-server"});
  const Instant deadline = soon();
  redis::Connection connection;
  while (!connection.open(target(), std::chrono::steady_clock::now() + seconds(1))) {
    if (std::chrono::steady_clock::now() > deadline || process_->wait(std::chrono::seconds(0)))
      throw std::runtime_error("redis-server did not start (./dev setup installs it):\n" +
                               process_->output());
    std::this_thread::sleep_for(milliseconds(10));
  }
}

}  // namespace embedd::test
