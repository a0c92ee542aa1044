#include "redis/connection.h"

#include <fmt/format.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

namespace embedd::redis {
namespace {

struct FreeReply {
  void operator()(redisReply* reply) const { freeReplyObject(reply); }
};

/// The first word of a refusal. The rest may quote what was sent, a password included.
std::string code_of(std::string_view text) {
  const std::string_view word = text.substr(0, std::min(text.find(' '), std::size_t{24}));
  const bool plain = !word.empty() && std::ranges::all_of(word, [](char c) { return c >= 'A' && c <= 'Z'; });
  return plain ? std::string(word) : "ERR";
}

std::unexpected<Error> not_redis() {
  return fail(ErrorKind::invalid_answer, "what answers there is not Redis, or answers wrongly");
}

Result<Reply> read(const redisReply& reply) {
  const std::string_view text(reply.str == nullptr ? "" : reply.str, reply.str == nullptr ? 0 : reply.len);
  switch (reply.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS: return Reply{Reply::Kind::text, std::string(text)};
    case REDIS_REPLY_INTEGER: return Reply{Reply::Kind::text, std::to_string(reply.integer)};
    case REDIS_REPLY_NIL: return Reply{};
    case REDIS_REPLY_ERROR: return Reply{Reply::Kind::refusal, code_of(text)};
    default: return not_redis();  // no command of ours is answered by a list
  }
}

}  // namespace

std::string meaning_of(std::string_view code) {
  std::string what = "the server refuses the command";
  if (code == "NOAUTH") what = "the server wants a password, which the URL does not have";
  if (code == "WRONGPASS") what = "the server refuses the user or the password of the URL";
  if (code == "NOPERM") what = "the user of the URL may not use the command or the key";
  if (code == "OOM") what = "the server's memory is full: set maxmemory-policy to allkeys-lru";
  if (code == "LOADING") what = "the server still loads its data";
  if (code == "MISCONF") what = "the server cannot save its data, and so takes no more";
  if (code == "READONLY") what = "the server is a replica, which takes nothing: name its primary";
  if (code == "DENIED") what = "the server takes connections from its own machine alone (protected-mode)";
  return fmt::format("{} ({})", what, code);
}

void Connection::Close::operator()(redisContext* context) const { redisFree(context); }

// A write to a connection that the server closed would end the process.
Connection::Connection() { std::signal(SIGPIPE, SIG_IGN); }
Connection::~Connection() = default;

void Connection::close() { context_.reset(); }

Result<void> Connection::open(const Target& target, Instant deadline) {
  context_.reset(redisConnectNonBlock(target.host.c_str(), target.port));
  if (!context_) return fail(ErrorKind::unavailable, "no memory for a connection");
  auto opened = context_->err == 0 ? log_in(target, deadline) : std::unexpected(failure());
  if (!opened) close();
  return opened;
}

Result<void> Connection::log_in(const Target& target, Instant deadline) {
  TRY(wait(POLLOUT, deadline));
  int code = 0;
  socklen_t size = sizeof code;
  if (getsockopt(context_->fd, SOL_SOCKET, SO_ERROR, &code, &size) != 0) code = errno;
  if (code != 0)
    return fail(ErrorKind::unavailable, "no connection: " + std::generic_category().message(code));
  std::vector<Words> commands;
  const std::string password(target.password.reveal());
  if (!password.empty())
    commands.push_back(target.user.empty() ? Words{"AUTH", password} : Words{"AUTH", target.user, password});
  if (target.database != 0) commands.push_back({"SELECT", std::to_string(target.database)});
  commands.push_back({"PING"});
  TRY(send(commands, deadline));
  const auto replies = TRY(receive(commands.size(), deadline));
  for (std::size_t i = 0; i < replies.size(); ++i) {
    if (replies[i].kind != Reply::Kind::refusal) continue;
    const std::string& name = commands[i].front();
    if (name == "AUTH" && replies[i].text == "ERR")
      return fail(ErrorKind::unauthenticated, "the server takes no password, or no user's name (ERR)");
    if (name == "SELECT" && replies[i].text == "ERR")
      return fail(ErrorKind::misconfigured, fmt::format("the server has no database {}", target.database));
    const bool key = replies[i].text == "WRONGPASS" || replies[i].text == "NOAUTH";
    return fail(key ? ErrorKind::unauthenticated : ErrorKind::unavailable, meaning_of(replies[i].text));
  }
  if (replies.back().text != "PONG") return not_redis();
  return {};
}

Result<std::vector<Reply>> Connection::run(const std::vector<Words>& commands, Instant deadline) {
  if (!context_) return fail(ErrorKind::unavailable, "there is no connection");
  auto sent = send(commands, deadline);
  auto replies = sent ? receive(commands.size(), deadline) : std::unexpected(std::move(sent.error()));
  if (!replies) close();
  return replies;
}

Result<void> Connection::send(const std::vector<Words>& commands, Instant deadline) {
  std::vector<const char*> words;
  std::vector<std::size_t> sizes;
  for (const Words& command : commands) {
    words.clear();
    sizes.clear();
    for (const std::string& word : command) {
      words.push_back(word.data());
      sizes.push_back(word.size());
    }
    if (redisAppendCommandArgv(context_.get(), static_cast<int>(words.size()), words.data(), sizes.data()) !=
        REDIS_OK)
      return std::unexpected(failure());
  }
  for (int done = 0; done == 0;) {
    TRY(wait(POLLOUT, deadline));
    if (redisBufferWrite(context_.get(), &done) != REDIS_OK) return std::unexpected(failure());
  }
  return {};
}

Result<std::vector<Reply>> Connection::receive(std::size_t count, Instant deadline) {
  std::vector<Reply> out;
  while (true) {
    void* next = nullptr;
    if (redisGetReplyFromReader(context_.get(), &next) != REDIS_OK) return not_redis();
    const std::unique_ptr<redisReply, FreeReply> reply(static_cast<redisReply*>(next));
    const redisReader& reader = *context_->reader;
    if (reply) {
      if (out.size() == count) return not_redis();  // nobody asked
      out.push_back(TRY(read(*reply)));
      continue;
    }
    if (out.size() == count)
      return reader.pos == reader.len ? Result<std::vector<Reply>>(std::move(out)) : not_redis();
    if (reader.len - reader.pos > kMostReply) return not_redis();
    TRY(wait(POLLIN, deadline));
    if (redisBufferRead(context_.get()) != REDIS_OK) return std::unexpected(failure());
  }
}

Result<void> Connection::wait(short events, Instant deadline) const {
  while (true) {
    const Duration left = deadline - std::chrono::steady_clock::now();
    if (left <= Duration::zero()) return fail(ErrorKind::unavailable, "no answer in time");
    pollfd wanted{.fd = context_->fd, .events = events, .revents = 0};
    const int ready = poll(&wanted, 1, static_cast<int>(std::chrono::ceil<milliseconds>(left).count()));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR)
      return fail(ErrorKind::unavailable, "poll: " + std::generic_category().message(errno));
  }
}

Error Connection::failure() const {
  switch (context_->err) {
    case REDIS_ERR_EOF: return {ErrorKind::unavailable, "the server closed the connection"};
    case REDIS_ERR_PROTOCOL: return not_redis().error();
    case REDIS_ERR_OOM: return {ErrorKind::unavailable, "no memory for a reply"};
    default: return {ErrorKind::unavailable, fmt::format("no connection: {}", context_->errstr)};
  }
}

}  // namespace embedd::redis
