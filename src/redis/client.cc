#include "redis/client.h"

#include <fmt/format.h>

#include <chrono>
#include <utility>

#include "base/log.h"
#include "base/threads.h"

namespace embedd::redis {
namespace {

Instant now() { return std::chrono::steady_clock::now(); }

}  // namespace

Client::Client(Target target, Changed changed)
    : target_(std::move(target)),
      hidden_(target_.password, {target_.host, target_.user}),
      changed_(std::move(changed)) {
  if (changed_) changed_(false);
  thread_ = start_thread([this] { work(); });
}

Client::~Client() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void Client::run(Words command, Done done) {
  Error why;
  {
    const std::lock_guard lock(mutex_);
    auto obstacle = obstacle_to(command.front());
    if (!obstacle) {
      waiting_.push_back({std::move(command), std::move(done)});
      return wake_.notify_all();
    }
    why = *std::move(obstacle);
  }
  done(std::unexpected(std::move(why)));
}

/// Why the command is not sent. The mutex is held.
std::optional<Error> Client::obstacle_to(const std::string& name) const {
  if (!up_ || stopping_) return Error{ErrorKind::unavailable, "Redis cannot be reached"};
  if (waiting_.size() >= kMostWaiting)
    return Error{ErrorKind::rate_limited, "too many commands wait for Redis"};
  const auto refusal = refusals_.find(name);
  if (refusal != refusals_.end() && now() < refusal->second.until)
    return Error{ErrorKind::rejected, meaning_of(refusal->second.code)};
  return std::nullopt;
}

void Client::work() {
  while (connect()) {
    std::vector<Waiting> asked = next();
    bool stopping = false;
    {
      const std::lock_guard lock(mutex_);
      stopping = stopping_;
    }
    if (asked.empty() && !stopping) asked.push_back({{"PING"}, nullptr});
    if (!asked.empty()) ask(std::move(asked));
    if (stopping) break;
  }
  up_ = false;
  give_up(ErrorKind::canceled, "the server stops");
}

/// Returns when there is a connection; false: the client ends.
bool Client::connect() {
  while (!connection_.is_open()) {
    if (!pause(breaker_.until())) return false;
    if (auto opened = connection_.open(target_, now() + kOpenPatience); opened)
      set_up();
    else
      set_down(opened.error());
  }
  return true;
}

/// False: the client ends.
bool Client::pause(Instant until) {
  std::unique_lock lock(mutex_);
  wake_.wait_until(lock, until, [this] { return stopping_; });
  return !stopping_;
}

/// The commands that wait; none: nobody had one for kIdle, or the client ends.
std::vector<Client::Waiting> Client::next() {
  std::unique_lock lock(mutex_);
  wake_.wait_for(lock, kIdle, [this] { return stopping_ || !waiting_.empty(); });
  std::vector<Waiting> out;
  while (!waiting_.empty() && out.size() < kMostTogether) {
    out.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  return out;
}

void Client::ask(std::vector<Waiting> asked) {
  std::vector<Words> commands;
  std::vector<std::string> names;
  for (Waiting& each : asked) {
    names.push_back(each.command.front());
    commands.push_back(std::move(each.command));
  }
  auto replies = connection_.run(commands, now() + kPatience);
  if (!replies) {
    set_down(replies.error());
    for (const Waiting& each : asked)
      if (each.done) each.done(std::unexpected(replies.error()));
    return give_up(ErrorKind::unavailable, replies.error().message);
  }
  breaker_.succeeded();
  for (std::size_t i = 0; i < asked.size(); ++i) {
    auto reply = judge(names[i], std::move((*replies)[i]));
    if (asked[i].done) asked[i].done(std::move(reply));
  }
}

/// Keeps in mind what the server refuses.
Result<Reply> Client::judge(const std::string& name, Reply reply) {
  const bool refused = reply.kind == Reply::Kind::refusal;
  std::string before;
  {
    const std::lock_guard lock(mutex_);
    const auto known = refusals_.find(name);
    if (known != refusals_.end()) before = known->second.code;
    if (refused)
      refusals_[name] = {reply.text, now() + kRest};
    else if (known != refusals_.end())
      refusals_.erase(known);
  }
  if (refused && before != reply.text)
    log::warn("redis_refuses", {{"command", name}, {"error", meaning_of(reply.text)}});
  if (!refused && !before.empty()) log::info("redis_refuses_no_more", {{"command", name}});
  if (refused) return fail(ErrorKind::rejected, meaning_of(reply.text));
  return reply;
}

void Client::set_up() {
  up_ = true;
  told_ = true;
  log::info("redis_up", {{"address", target_.shown()}});
  if (changed_) changed_(true);
}

void Client::set_down(const Error& error) {
  breaker_.failed(now());
  const bool was_up = up_.exchange(false);
  if (!was_up && told_) return;
  told_ = true;
  log::warn("redis_down", {{"address", target_.shown()}, {"error", error.message}});
  if (changed_) changed_(false);
}

void Client::give_up(ErrorKind kind, const std::string& message) {
  std::deque<Waiting> waiting;
  {
    const std::lock_guard lock(mutex_);
    waiting.swap(waiting_);
  }
  for (const Waiting& each : waiting)
    if (each.done) each.done(fail(kind, message));
}

}  // namespace embedd::redis
