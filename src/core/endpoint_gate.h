/// Decides when a request may go to one endpoint: how many at a time, and when the endpoint rests (G7, G8).
///
/// EndpointPace says how many requests, and how large, by what the endpoint's answers show. Both are halved
/// when the endpoint says that the load is too much, or falls silent. A fault closes the gate for a while.
/// Then one probe at a time goes through, until a probe succeeds.
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
#include "core/purse.h"
#include "core/random.h"

namespace embedd {

class EndpointGate {
 public:
  EndpointGate(std::string name, Observer& observer, Random& random)
      : name_(std::move(name)), observer_(observer), random_(random), configured_(name_) {}

  /// Takes the endpoint's key, limits and budget from the embedder. A changed key opens a gate that the
  /// former key closed.
  void refresh(KeyState key, std::uint64_t key_version, const EndpointLimits& limits);

  /// A request may start now.
  [[nodiscard]] bool open(Instant now) const {
    return usable() && now >= opens_at_ && in_flight_ < concurrency();
  }
  /// Work for this endpoint may be claimed: the endpoint does not rest, or its rest ends within `soon`.
  [[nodiscard]] bool worth_claiming(Instant now, Duration soon) const {
    return usable() && opens_at_ <= now + soon;
  }
  /// A key is there and the endpoint is configured.
  [[nodiscard]] bool usable() const { return key_ == KeyState::present; }
  /// Requests allowed at the same time.
  [[nodiscard]] std::uint32_t concurrency() const { return probing_ ? 1 : pace_.requests(); }
  /// Most inputs of the next request by the endpoint's pace.
  [[nodiscard]] std::uint32_t most_inputs() const {
    return probing_ ? std::min(kProbeInputs, pace_.inputs()) : pace_.inputs();
  }
  [[nodiscard]] std::size_t most_tokens() const { return pace_.tokens(); }
  /// How long a request waits for a sign of life while this many inputs are in flight.
  [[nodiscard]] Duration patience(std::size_t inputs_in_flight) const {
    return patience_.with(inputs_in_flight, limits_.timeout);
  }
  /// True after a fault, until an answer: only small requests go, one at a time.
  [[nodiscard]] bool probing() const { return probing_; }
  [[nodiscard]] Instant opens_at() const { return opens_at_; }
  /// An answer came within the last minute.
  [[nodiscard]] bool healthy(Instant now) const {
    return answered_ && now - last_answer_ < std::chrono::minutes(1);
  }
  [[nodiscard]] std::uint32_t in_flight() const { return in_flight_; }
  /// Inputs a second while the endpoint was busy; 0: not known.
  [[nodiscard]] double inputs_per_second() const { return pace_.inputs_per_second(); }
  [[nodiscard]] EndpointState state() const { return state_; }
  /// Why the gate is in this state; empty if it is ready.
  [[nodiscard]] const std::string& message() const { return message_; }
  [[nodiscard]] const EndpointLimits& limits() const { return limits_; }

  /// What the account allows. Configured limits hold for all models together; limits learned from answers
  /// hold for the model of these answers.
  [[nodiscard]] Allowance& allowance(const std::string& model);
  [[nodiscard]] const Allowance& allowance(const std::string& model) const;
  /// Of the endpoint's budget.
  [[nodiscard]] Purse& purse() { return purse_; }
  [[nodiscard]] const Purse& purse() const { return purse_; }
  /// How much memory the endpoint's answers take.
  [[nodiscard]] AnswerSize& answers() { return answers_; }
  [[nodiscard]] const AnswerSize& answers() const { return answers_; }

  void started(Instant now);
  /// Vectors came. `inputs_in_flight`: at the endpoint when that request started.
  void answered(const Answered& answer, std::size_t inputs_in_flight, Instant now);
  /// The endpoint answered and is well, even if it refused the request.
  void succeeded(Instant now);
  /// The load at the endpoint when a failed request started, the request's own part included.
  struct Load {
    std::uint32_t requests = 1;
    std::size_t inputs = 1;
  };
  void failed(const Error& error, Instant started_at, const Load& load, Instant now);
  /// The request was given up.
  void fell_silent(const Error& error, Instant started_at, const Load& load, Instant now);
  /// The reply came, but shows nothing about the endpoint's health, as after a cancellation.
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
  Purse purse_;
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
  std::uint32_t slowed_from_ = 0;  ///< requests in flight when the load was last too much
  bool probing_ = false;
  unsigned failures_ = 0;  ///< rounds of faults in a row
  Instant opens_at_{};
  Instant last_fault_{};
  bool answered_ = false;
  Instant last_answer_{};
};

}  // namespace embedd
