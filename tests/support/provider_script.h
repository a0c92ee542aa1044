/// What the scripted provider knows and decides: its script, its rate limits, its statistics. Thread-safe.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <unordered_map>

#include "support/provider_answers.h"
#include "support/scripted_provider.h"

namespace embedd::test {

class ProviderScript {
 public:
  explicit ProviderScript(ProviderOptions options) : options_(std::move(options)) {}

  /// A request arrived: counts it and decides its answer. Each is followed by one left().
  struct Decision {
    Answer answer;
    Duration latency{};
    bool hold = false;
  };
  Decision arrived(const RecordedRequest& recorded, const ParsedRequest& parsed);
  /// The answer is about to be sent; vectors in it are billed.
  void sending(const Answer& answer, const ParsedRequest& parsed);
  /// Nobody waits for so many inputs that have been computed.
  void abandoned(std::size_t inputs);
  /// The request has left, answered or not.
  void left(bool held);
  /// release() let an answer go that was held back.
  void released();
  void connected();
  void redirected();

  template <typename Change>
  void change(Change&& change) {
    const std::lock_guard lock(mutex_);
    change(*this);
  }

  [[nodiscard]] ProviderStats stats() const;
  [[nodiscard]] std::uint64_t times_embedded(std::string_view text) const;
  [[nodiscard]] RecordedRequest last_request() const;
  bool wait_for(const std::function<bool(const ProviderStats&)>& condition, Duration patience) const;
  [[nodiscard]] int dimensions() const { return options_.dimensions; }

  // Only inside change().
  ProviderOptions options_;
  std::deque<Answer> next_;
  std::optional<Answer> always_;
  std::vector<std::pair<std::string, Answer>> poison_;
  bool holding_ = false;

 private:
  /// A minute's allowance that refills continuously.
  struct Allowance {
    double left = -1;  ///< negative: not used yet
    Instant at{};
    void refill(double per_minute, double burst_seconds, Instant now);
  };

  Answer decide(const RecordedRequest& recorded, const ParsedRequest& parsed);
  std::optional<Answer> refuse_by_limits(const ParsedRequest& parsed, Instant now);
  std::optional<Answer> refuse_by_size(const ParsedRequest& parsed) const;
  void add_limit_headers(Answer& answer) const;

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  Allowance requests_left_, tokens_left_;
  ProviderStats stats_;
  std::unordered_map<std::uint64_t, std::uint32_t> embedded_;  ///< by text_digest
  RecordedRequest last_;
};

}  // namespace embedd::test
