#include "app/query_embedder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/threads.h"

namespace embedd::app {
namespace {

constexpr Duration kFirstPause = seconds(1), kLongestPause = seconds(30);
constexpr Duration kLongestWait = seconds(60);

/// Queries have a prefix of their own.
std::vector<provider::EndpointConfig> for_queries(std::vector<provider::EndpointConfig> endpoints) {
  for (provider::EndpointConfig& endpoint : endpoints) endpoint.document_prefix = endpoint.query_prefix;
  return endpoints;
}

/// A fault of the endpoint or of the account, which the next query would meet again.
bool is_lasting(ErrorKind kind) {
  return kind == ErrorKind::unavailable || kind == ErrorKind::rate_limited ||
         kind == ErrorKind::quota_exhausted || kind == ErrorKind::unauthenticated;
}

}  // namespace

QueryEmbedder::QueryEmbedder(std::vector<provider::EndpointConfig> endpoints)
    : embedders_(loop_, for_queries(std::move(endpoints))), thread_(start_thread([this] { run(); })) {}

QueryEmbedder::~QueryEmbedder() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  loop_.wake();
  thread_.join();
}

void QueryEmbedder::embed(Query query, Instant deadline, Done done) {
  {
    const std::lock_guard lock(mutex_);
    arrived_.push_back({std::move(query), deadline, std::move(done)});
  }
  loop_.wake();
}

void QueryEmbedder::run() {
  while (true) {
    std::vector<Waiting> arrived;
    bool stopping = false;
    {
      const std::lock_guard lock(mutex_);
      arrived = std::exchange(arrived_, {});
      stopping = stopping_;
    }
    for (Waiting& waiting : arrived) start(std::move(waiting));
    for (Reply& reply : embedders_.take_replies()) finish(std::move(reply));
    const Instant now = std::chrono::steady_clock::now();
    expire(stopping ? Instant::max() : now);
    if (stopping) return;
    Instant wake = now + kLongestWait;
    for (const auto& [id, waiting] : in_flight_) wake = std::min(wake, waiting.deadline);
    loop_.wait_until(wake);
  }
}

void QueryEmbedder::start(Waiting waiting) {
  const Instant now = std::chrono::steady_clock::now();
  const Query& query = waiting.query;
  if (embedders_.key_state(query.endpoint) == KeyState::missing)
    return waiting.done(std::unexpected(NoVector{
        "no_api_key",
        {ErrorKind::unauthenticated, fmt::format("there is no key for the endpoint '{}'", query.endpoint)}}));
  if (const auto pause = pauses_.find(query.endpoint); pause != pauses_.end() && now < pause->second.until) {
    NoVector why = pause->second.why;
    why.error.retry_after = pause->second.until - now;
    return waiting.done(std::unexpected(std::move(why)));
  }
  const std::uint64_t id = next_id_++;
  const Waiting& kept = in_flight_.emplace(id, std::move(waiting)).first->second;
  embedders_.start({.id = id,
                    .endpoint = kept.query.endpoint,
                    .model = kept.query.model,
                    .dimensions = kept.query.dimensions,
                    .send_dimensions = kept.query.send_dimensions,
                    .inputs = {kept.query.text}});
}

void QueryEmbedder::finish(Reply reply) {
  auto node = in_flight_.extract(reply.id);
  if (node.empty()) return;
  Waiting& waiting = node.mapped();
  if (reply.answer) {
    pauses_.erase(waiting.query.endpoint);
    return waiting.done(
        std::vector<float>(reply.answer->vectors.values.begin(), reply.answer->vectors.values.end()));
  }
  note(waiting.query.endpoint, reply.answer.error(), std::chrono::steady_clock::now());
  waiting.done(std::unexpected(
      NoVector{std::string(name_of(reply.answer.error().kind)), std::move(reply.answer.error())}));
}

void QueryEmbedder::expire(Instant now) {
  for (auto at = in_flight_.begin(); at != in_flight_.end();) {
    if (now < at->second.deadline) {
      ++at;
      continue;
    }
    embedders_.give_up(at->first);
    Waiting waiting = std::move(at->second);
    at = in_flight_.erase(at);
    waiting.done(std::unexpected(
        NoVector{"deadline",
                 {ErrorKind::unavailable,
                  fmt::format("the endpoint '{}' did not answer in time", waiting.query.endpoint)}}));
  }
}

void QueryEmbedder::note(const std::string& endpoint, const Error& error, Instant now) {
  if (!is_lasting(error.kind)) return;
  Pause& pause = pauses_[endpoint];
  const Duration own = std::min<Duration>(kFirstPause * (1 << std::min(pause.failures, 5)), kLongestPause);
  ++pause.failures;
  pause.until = now + std::max(own, error.retry_after.value_or(Duration{}));
  pause.why = {std::string(name_of(error.kind)), error};
}

}  // namespace embedd::app
