#include "app/rerankers.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/threads.h"

namespace embedd::app {
namespace {

constexpr Duration kLongestWait = seconds(60);

}  // namespace

Rerankers::Rerankers(const std::vector<provider::RerankConfig>& configs) {
  const auto done = [this](std::uint64_t id, Result<std::vector<double>> scores) {
    finish(id, std::move(scores));
  };
  for (const provider::RerankConfig& config : configs)
    by_name_.emplace(config.name, std::make_unique<provider::Reranker>(loop_, config, done));
  thread_ = start_thread([this] { run(); });
}

Rerankers::~Rerankers() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  loop_.wake();
  thread_.join();
}

const provider::RerankConfig* Rerankers::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : &found->second->config();
}

void Rerankers::rerank(std::string name, std::string query, std::vector<std::string> texts, Instant deadline,
                       Done done) {
  {
    const std::lock_guard lock(mutex_);
    arrived_.push_back({.name = std::move(name),
                        .query = std::move(query),
                        .texts = std::move(texts),
                        .deadline = deadline,
                        .done = std::move(done)});
  }
  loop_.wake();
}

void Rerankers::run() {
  while (true) {
    std::vector<Question> arrived;
    bool stopping = false;
    {
      const std::lock_guard lock(mutex_);
      arrived = std::exchange(arrived_, {});
      stopping = stopping_;
    }
    for (Question& question : arrived) start(std::move(question));
    const Instant now = std::chrono::steady_clock::now();
    expire(now, stopping);
    if (stopping) return;
    Instant wake = now + kLongestWait;
    for (const auto& [id, question] : in_flight_)
      wake = std::min({wake, question.deadline, question.patience});
    loop_.wait_until(wake);
  }
}

void Rerankers::start(Question question) {
  const auto found = by_name_.find(question.name);
  CHECK(found != by_name_.end(), "there is no reranker {}", question.name);
  provider::Reranker& reranker = *found->second;
  const Instant now = std::chrono::steady_clock::now();
  if (reranker.key_state() == KeyState::missing)
    return question.done(std::unexpected(
        Unserved{"no_api_key",
                 {ErrorKind::unauthenticated, fmt::format("there is no key for rerank.{}", question.name)}}));
  if (auto why = pauses_.of(question.name, now)) return question.done(std::unexpected(*std::move(why)));
  question.sent_at = now;
  question.patience = now + reranker.config().timeout;
  const std::uint64_t id = next_id_++;
  Question& sent = in_flight_.emplace(id, std::move(question)).first->second;
  reranker.start(id, sent.query, sent.texts);
  sent.texts = {};
}

void Rerankers::finish(std::uint64_t id, Result<std::vector<double>> scores) {
  auto node = in_flight_.extract(id);
  const Question& question = node.mapped();
  if (scores) {
    pauses_.succeeded(question.name, question.sent_at);
    return question.done(*std::move(scores));
  }
  pauses_.failed(question.name, scores.error(), std::chrono::steady_clock::now());
  question.done(std::unexpected(Unserved{std::string(name_of(scores.error().kind)), scores.error()}));
}

/// A request that ran into its own short deadline says nothing about the endpoint; one that had the
/// endpoint's whole timeout does.
void Rerankers::expire(Instant now, bool stopping) {
  for (auto at = in_flight_.begin(); at != in_flight_.end();) {
    const bool slow = now >= at->second.patience;
    if (!stopping && !slow && now < at->second.deadline) {
      ++at;
      continue;
    }
    const Question question = std::move(at->second);
    by_name_.at(question.name)->give_up(at->first);
    at = in_flight_.erase(at);
    const Error error{ErrorKind::unavailable, fmt::format("rerank.{} did not answer in time", question.name)};
    if (slow) pauses_.failed(question.name, error, now);
    question.done(std::unexpected(Unserved{"deadline", error}));
  }
}

}  // namespace embedd::app
