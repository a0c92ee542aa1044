/// Decides when a request may go to one endpoint: how many at a time, and when to rest (G7, G8).
///
/// How many requests, and how large, follows what its answers show (EndpointPace); both are halved when it
/// says that it is too much, or falls silent. A fault closes the gate for a while; then one probe at a time
/// goes through until one succeeds.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>

#include "core/allowance.h"
#include "core/answer_size.h"
#include "core/embedder.h"
#include "core/endpoint_pace.h"
#include "core/observer.h"
#include "core/patience.h"
#include "core/random.h"

namespace embedd {

class EndpointGate {
 public:
  EndpointGate(std::string name, Observer& observer, Random& random)
      : name_(std::move(name)), observer_(observer), random_(random), configured_(name_) {}

  /// The key and the limits as the embedder has them now. A changed key opens a gate that its predecessor
  /// closed.
  void refresh(KeyState key, std::uint64_t key_version, const EndpointLimits& limits);

  /// A request may start now.
  [[nodiscard]] bool open(Instant now) const {
    return usable() && now >= opens_at_ && in_flight_ < concurrency();
  }
  /// Work for this endpoint may be claimed: it is not resting, or will be back within `soon`.
  [[nodiscard]] bool worth_claiming(Instant now, Duration soon) const {
    return usable() && opens_at_ <= now + soon;
  }
  /// A key is there and the endpoint is configured.
  [[nodiscard]] bool usable() const { return key_ == KeyState::present; }
  /// Requests allowed at the same time.
  [[nodiscard]] std::uint32_t concurrency() const { return probing_ ? 1 : pace_.requests(); }
  /// Most inputs, and tokens, of the next request, as far as the endpoint's pace goes.
  [[nodiscard]] std::uint32_t most_inputs() const {
    return probing_ ? std::min(kProbeInputs, pace_.inputs()) : pace_.inputs();
  }
  [[nodiscard]] std::size_t most_tokens() const { return pace_.tokens(); }
  /// How long to wait for a sign of life, for a request with which so many inputs are in flight.
  [[nodiscard]] Duration patience(std::size_t inputs_in_flight) const {
    return patience_.with(inputs_in_flight, limits_.timeout);
  }
  /// The last thing heard was a fault: only small requests, one at a time.
  [[nodiscard]] bool probing() const { return probing_; }
  [[nodiscard]] Instant opens_at() const { return opens_at_; }
  /// An answer came within the last minute.
  [[nodiscard]] bool healthy(Instant now) const {
    return answered_ && now - last_answer_ < std::chrono::minutes(1);
  }
  [[nodiscard]] EndpointState state() const { return state_; }
  /// Why it is in this state; empty if it is ready.
  [[nodiscard]] const std::string& message() const { return message_; }
  [[nodiscard]] const EndpointLimits& limits() const { return limits_; }

  /// What the account allows, beside what the endpoint can take. What the configuration says holds for all
  /// models together; what answers say, for the model that they were of.
  [[nodiscard]] Allowance& allowance(const std::string& model);
  [[nodiscard]] const Allowance& allowance(const std::string& model) const;
  /// What its answers weigh.
  [[nodiscard]] AnswerSize& answers() { return answers_; }
  [[nodiscard]] const AnswerSize& answers() const { return answers_; }

  void started(Instant now);
  /// Vectors came. `inputs_in_flight`: when that request started.
  void answered(const Answered& answer, std::size_t inputs_in_flight, Instant now);
  /// The endpoint is well, whatever it said of the request.
  void succeeded(Instant now);
  /// A request that began at `started_at` among so many, and so many inputs, has failed …
  struct Load {
    std::uint32_t requests = 1;
    std::size_t inputs = 1;
  };
  void failed(const Error& error, Instant started_at, const Load& load, Instant now);
  /// … or is given up.
  void fell_silent(const Error& error, Instant started_at, const Load& load, Instant now);
  /// The reply came, and says nothing about the endpoint's health (canceled).
  void finished() { --in_flight_; }

 private:
  static constexpr std::uint32_t kProbeInputs = 8;

  [[nodiscard]] bool configured() const {
    return limits_.requests_per_minute > 0 || limits_.tokens_per_minute > 0;
  }
  [[nodiscard]] bool new_round(Instant started_at) const {
    return failures_ == 0 || started_at >= last_fault_;
  }
  void enter(EndpointState state, const std::string& message, Duration pause);

  std::string name_;
  Observer& observer_;
  Random& random_;
  Allowance configured_;
  std::map<std::string, Allowance> learned_;  ///< by model
  AnswerSize answers_;
  KeyState key_ = KeyState::undefined;
  bool refreshed_ = false;
  std::uint64_t key_version_ = 0;
  EndpointLimits limits_;
  EndpointState state_ = EndpointState::ready;
  std::string message_;
  std::uint32_t in_flight_ = 0;
  EndpointPace pace_;
  Patience patience_;
  std::uint32_t slowed_from_ = 0;  ///< requests in flight when it last said that it was too much
  bool probing_ = false;
  unsigned failures_ = 0;  ///< rounds of faults in a row
  Instant opens_at_{};
  Instant last_fault_{};
  bool answered_ = false;
  Instant last_answer_{};
};

}  // namespace embedd
