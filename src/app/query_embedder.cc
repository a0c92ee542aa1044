#include "app/query_embedder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/vector_codec.h"
#include "base/threads.h"

namespace embedd::app {
namespace {

constexpr Duration kLongestWait = seconds(60);

/// Queries have a prefix of their own.
std::vector<provider::EndpointConfig> for_queries(std::vector<provider::EndpointConfig> endpoints) {
  for (provider::EndpointConfig& endpoint : endpoints) endpoint.document_prefix = endpoint.query_prefix;
  return endpoints;
}

std::map<std::string, provider::EndpointConfig, std::less<>> by_name(
    const std::vector<provider::EndpointConfig>& endpoints) {
  std::map<std::string, provider::EndpointConfig, std::less<>> out;
  for (const provider::EndpointConfig& endpoint : endpoints) out.emplace(endpoint.name, endpoint);
  return out;
}

/// A text that is equal for queries that have the same vector.
std::string key_of(const QueryEmbedder::Query& query) {
  return fmt::format("{}\n{}\n{}\n{}\n{}", query.endpoint, query.model, query.dimensions,
                     query.send_dimensions, query.text);
}

}  // namespace

QueryEmbedder::QueryEmbedder(std::vector<provider::EndpointConfig> endpoints, Bought bought,
                             SharedVectors* shared, LookedUp looked_up)
    : endpoints_(by_name(endpoints)),
      bought_(std::move(bought)),
      shared_(shared),
      looked_up_(std::move(looked_up)),
      embedders_(loop_, for_queries(std::move(endpoints))) {
  inbox_->loop = &loop_;
  thread_ = start_thread([this] { run(); });
}

QueryEmbedder::~QueryEmbedder() {
  {
    const std::lock_guard lock(inbox_->mutex);
    inbox_->loop = nullptr;
  }
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
    std::vector<Known> known;
    {
      const std::lock_guard lock(inbox_->mutex);
      known.swap(inbox_->known);
    }
    for (Known& each : known) learn(std::move(each));
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
  const Query& query = waiting.query;
  std::string key = key_of(query);
  if (const auto* known = cache_.find(key)) {
    looked_up_("memory", "hit");
    return waiting.done(QueryVector{*known});
  }
  if (const auto same = by_key_.find(key); same != by_key_.end()) {
    looked_up_("memory", "joined");
    return in_flight_.at(same->second).waiting.push_back(std::move(waiting));
  }
  looked_up_("memory", "miss");
  const std::uint64_t id = next_id_++;
  by_key_.emplace(key, id);
  Sent& sent = in_flight_[id];
  sent.key = std::move(key);
  const auto endpoint = endpoints_.find(query.endpoint);
  // The built-in model is faster than Redis.
  if (shared_ != nullptr && endpoint != endpoints_.end() &&
      endpoint->second.dialect != provider::Dialect::local)
    sent.shared_key =
        vector_key(endpoint->second, query.model, query.dimensions, query.send_dimensions, query.text);
  sent.waiting.push_back(std::move(waiting));
  if (sent.shared_key.empty())
    send(id);
  else
    ask_others(id, sent);
}

void QueryEmbedder::ask_others(std::uint64_t id, const Sent& sent) {
  shared_->find(sent.shared_key, sent.query().dimensions,
                [id, inbox = inbox_](SharedVectors::Outcome outcome, std::vector<float> vector) {
                  const std::lock_guard lock(inbox->mutex);
                  if (inbox->loop == nullptr) return;
                  inbox->known.push_back({id, outcome, std::move(vector)});
                  inbox->loop->wake();
                });
}

void QueryEmbedder::learn(Known known) {
  looked_up_("redis", name_of(known.outcome));
  const auto found = in_flight_.find(known.id);
  if (found == in_flight_.end()) return;
  if (known.outcome != SharedVectors::Outcome::hit) return send(known.id);
  cache_.add(found->second.key, known.vector);
  answer(known.id, QueryVector{std::move(known.vector)});
}

/// Why the endpoint is not asked; none: it is.
std::optional<NoVector> QueryEmbedder::refusal(const std::string& endpoint) {
  if (embedders_.key_state(endpoint) == KeyState::missing)
    return NoVector{
        "no_api_key",
        {ErrorKind::unauthenticated, fmt::format("there is no key for the endpoint '{}'", endpoint)}};
  return pauses_.of(endpoint, std::chrono::steady_clock::now());
}

void QueryEmbedder::send(std::uint64_t id) {
  Sent& sent = in_flight_.at(id);
  const Query& query = sent.query();
  if (auto why = refusal(query.endpoint)) return answer(id, std::unexpected(*std::move(why)));
  sent.sent = true;
  sent.at = std::chrono::steady_clock::now();
  embedders_.start({.id = id,
                    .endpoint = query.endpoint,
                    .model = query.model,
                    .dimensions = query.dimensions,
                    .send_dimensions = query.send_dimensions,
                    .inputs = {query.text}});
}

void QueryEmbedder::finish(Reply reply) {
  const auto found = in_flight_.find(reply.id);
  if (found == in_flight_.end()) return;
  const Sent& sent = found->second;
  if (reply.answer ? !reply.answer->computed_here : reply.answer.error().billed)
    bought_(sent.query(), reply.answer ? reply.answer->tokens : 0);
  if (!reply.answer) {
    pauses_.failed(sent.query().endpoint, reply.answer.error(), std::chrono::steady_clock::now());
    std::string reason(name_of(reply.answer.error().kind));
    return answer(reply.id, std::unexpected(NoVector{std::move(reason), std::move(reply.answer.error())}));
  }
  pauses_.succeeded(sent.query().endpoint, sent.at);
  QueryVector vector;
  vector.values.assign(reply.answer->vectors.values.begin(), reply.answer->vectors.values.end());
  vector.tokens = reply.answer->tokens;
  cache_.add(sent.key, vector.values);
  if (!sent.shared_key.empty()) shared_->keep(sent.shared_key, vector.values);
  answer(reply.id, std::move(vector));
}

/// Ends the request; whoever came first has bought the tokens.
void QueryEmbedder::answer(std::uint64_t id, std::expected<QueryVector, NoVector> outcome) {
  const auto node = in_flight_.extract(id);
  by_key_.erase(node.mapped().key);
  for (const Waiting& waiting : node.mapped().waiting) {
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
      if (at->second.sent) {
        bought_(expired.front().query, 0);  // the provider may have worked all the same
        embedders_.give_up(at->first);
      }
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

}  // namespace embedd::app
