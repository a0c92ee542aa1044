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

/// A text that is equal for queries that have the same vector.
std::string key_of(const QueryEmbedder::Query& query) {
  return fmt::format("{}\n{}\n{}\n{}\n{}", query.endpoint, query.model, query.dimensions,
                     query.send_dimensions, query.text);
}

}  // namespace

QueryEmbedder::QueryEmbedder(std::vector<provider::EndpointConfig> endpoints, Bought bought)
    : bought_(std::move(bought)),
      embedders_(loop_, for_queries(std::move(endpoints))),
      thread_(start_thread([this] { run(); })) {}

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
    for (const auto& [id, sent] : in_flight_)
      for (const Waiting& waiting : sent.waiting) wake = std::min(wake, waiting.deadline);
    loop_.wait_until(wake);
  }
}

void QueryEmbedder::start(Waiting waiting) {
  const Instant now = std::chrono::steady_clock::now();
  const Query& query = waiting.query;
  std::string key = key_of(query);
  if (const auto* known = cache_.find(key)) return waiting.done(QueryVector{*known});
  if (const auto same = by_key_.find(key); same != by_key_.end())
    return in_flight_.at(same->second).waiting.push_back(std::move(waiting));
  if (embedders_.key_state(query.endpoint) == KeyState::missing)
    return waiting.done(std::unexpected(NoVector{
        "no_api_key",
        {ErrorKind::unauthenticated, fmt::format("there is no key for the endpoint '{}'", query.endpoint)}}));
  if (const auto pause = pauses_.find(query.endpoint); pause != pauses_.end() && now < pause->second.until) {
    NoVector why = pause->second.why;
    why.error.retry_after = pause->second.until - now;
    return waiting.done(std::unexpected(std::move(why)));
  }
  send(std::move(key), std::move(waiting));
}

void QueryEmbedder::send(std::string key, Waiting waiting) {
  const std::uint64_t id = next_id_++;
  by_key_.emplace(key, id);
  Sent& sent = in_flight_[id];
  sent.key = std::move(key);
  sent.at = std::chrono::steady_clock::now();
  sent.waiting.push_back(std::move(waiting));
  const Query& query = sent.query();
  embedders_.start({.id = id,
                    .endpoint = query.endpoint,
                    .model = query.model,
                    .dimensions = query.dimensions,
                    .send_dimensions = query.send_dimensions,
                    .inputs = {query.text}});
}

void QueryEmbedder::finish(Reply reply) {
  auto node = in_flight_.extract(reply.id);
  if (node.empty()) return;
  Sent& sent = node.mapped();
  by_key_.erase(sent.key);
  std::expected<QueryVector, NoVector> outcome;
  if (reply.answer ? !reply.answer->computed_here : reply.answer.error().billed)
    bought_(sent.query(), reply.answer ? reply.answer->tokens : 0);
  if (reply.answer) {
    // A success of a request that was sent before the failure says nothing about what comes after.
    const auto pause = pauses_.find(sent.query().endpoint);
    if (pause != pauses_.end() && sent.at > pause->second.failed_at) pauses_.erase(pause);
    outcome->values.assign(reply.answer->vectors.values.begin(), reply.answer->vectors.values.end());
    cache_.add(std::move(sent.key), outcome->values);
    outcome->tokens = reply.answer->tokens;
  } else {
    failed(sent.query().endpoint, reply.answer.error(), std::chrono::steady_clock::now());
    outcome = std::unexpected(
        NoVector{std::string(name_of(reply.answer.error().kind)), std::move(reply.answer.error())});
  }
  for (const Waiting& waiting : sent.waiting) {
    waiting.done(outcome);
    if (outcome) outcome->tokens = 0;
  }
}

void QueryEmbedder::expire(Instant now) {
  for (auto at = in_flight_.begin(); at != in_flight_.end();) {
    std::vector<Waiting>& waiting = at->second.waiting;
    std::vector<Waiting> expired;
    std::erase_if(waiting, [&](Waiting& each) {
      if (now < each.deadline) return false;
      expired.push_back(std::move(each));
      return true;
    });
    if (waiting.empty()) {
      bought_(expired.front().query, 0);  // the provider may have worked all the same
      embedders_.give_up(at->first);
      by_key_.erase(at->second.key);
      at = in_flight_.erase(at);
    } else {
      ++at;
    }
    for (const Waiting& each : expired)
      each.done(std::unexpected(
          NoVector{"deadline",
                   {ErrorKind::unavailable,
                    fmt::format("the endpoint '{}' did not answer in time", each.query.endpoint)}}));
  }
}

void QueryEmbedder::failed(const std::string& endpoint, const Error& error, Instant now) {
  if (!is_lasting(error.kind)) return;
  Pause& pause = pauses_[endpoint];
  Duration own{};
  if (now >= pause.until) {
    own = std::min<Duration>(kFirstPause * (1 << std::min(pause.failures, 5)), kLongestPause);
    ++pause.failures;
  }
  pause.failed_at = now;
  pause.until = std::max(pause.until, now + std::max(own, error.retry_after.value_or(Duration{})));
  pause.why = {std::string(name_of(error.kind)), error};
}

}  // namespace embedd::app
