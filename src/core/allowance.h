/// This worker's part of what an endpoint's account allows per minute, in requests and in tokens.
///
/// All workers of a database draw from one account: each reserves (Queue::send_reservation) what its next
/// request will cost, and is told when the account has paid for everything reserved before. Requests then go
/// out evenly, in the order of reservation, at the rate of the account and no faster. Without a limit nothing
/// is ever reserved.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

#include "core/embedder.h"
#include "core/queue.h"

namespace embedd {

class Allowance {
 public:
  /// Of one model, or of all that the endpoint has.
  explicit Allowance(std::string endpoint, std::string model = "")
      : endpoint_(std::move(endpoint)), model_(std::move(model)) {}

  /// What the configuration says; it goes before what the server says.
  void configure(const EndpointLimits& limits);
  /// What the headers of an answer say.
  void learn(const RateLimits& limits);

  [[nodiscard]] bool limited() const { return requests_per_second() > 0 || tokens_per_second() > 0; }
  /// Most tokens that one request should have, so that several fit into a minute.
  [[nodiscard]] std::size_t most_tokens() const;

  /// A request of up to so many tokens may go now; 0: none may.
  [[nodiscard]] std::size_t open_for(Instant now) const;
  /// What to reserve for a request of `tokens`, if that is not on its way already. To be sent.
  std::optional<Reservation> reserve(std::size_t tokens, Instant now);
  void note(const Reserved& reserved, Instant now);
  /// A request of so many tokens, by our count, goes out …
  void spend(std::size_t tokens);
  /// … and so many were billed: the difference is settled with the next reservation, and learned from.
  void correct(std::size_t estimated, std::size_t billed);

  /// The provider says to wait: nobody should spend meanwhile.
  [[nodiscard]] Reservation closed_for(Duration pause) const;
  /// When open_for() changes by itself.
  [[nodiscard]] Instant opens_at() const {
    return asked_ ? Instant::max() : std::max(usable_at_, ask_again_at_);
  }

 private:
  [[nodiscard]] double requests_per_second() const;
  [[nodiscard]] double tokens_per_second() const;
  void lapse(Instant now);

  std::string endpoint_, model_;
  double configured_requests_ = 0, configured_tokens_ = 0;  ///< per second; 0: not said
  double learned_requests_ = 0, learned_tokens_ = 0;
  std::int64_t requests_ = 0;  ///< reserved and not spent
  double tokens_ = 0;          ///< the same; negative after a request that cost more than it had
  double ratio_ = 1;           ///< of billed tokens to estimated ones
  Instant usable_at_{};
  bool asked_ = false;
  Instant ask_again_at_{};
};

}  // namespace embedd
