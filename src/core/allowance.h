/// This worker's part of what an endpoint's account allows per minute, in requests and in tokens.
///
/// All workers of a database share the account. Each worker reserves the cost of its next request
/// (Queue::send_reservation) and learns how long to wait until the account has paid for all earlier
/// reservations. So requests go out evenly, in the order of reservation, and no faster than the account's
/// rate. Without a limit nothing is reserved.
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
  /// The allowance of one model, or of all models of the endpoint.
  explicit Allowance(std::string endpoint, std::string model = "")
      : endpoint_(std::move(endpoint)), model_(std::move(model)) {}

  /// Takes the limits of the configuration, which override the server's.
  void configure(const EndpointLimits& limits);
  /// Takes the limits that the headers of an answer name.
  void learn(const RateLimits& limits);

  [[nodiscard]] bool limited() const { return requests_per_second() > 0 || tokens_per_second() > 0; }
  /// Most tokens for one request, so that several requests fit into a minute.
  [[nodiscard]] std::size_t most_tokens() const;

  /// Most tokens of a request that may go now; 0: no request may go.
  [[nodiscard]] std::size_t open_for(Instant now) const;
  /// Returns what to reserve for a request of `tokens`; nothing if a reservation is on its way already, or
  /// none is needed. The caller sends the reservation.
  std::optional<Reservation> reserve(std::size_t tokens, Instant now);
  void reserved(const Reserved& answer, Instant now);
  /// Call when a request goes out. `tokens`: by this worker's count.
  void spend(std::size_t tokens);
  /// Call when the server has billed the request. The difference is settled with the next reservation, and
  /// the ratio is learned.
  void correct(std::size_t estimated, std::size_t billed);

  /// The reservation to send when the provider asks for a pause: no worker uses the account meanwhile.
  [[nodiscard]] Reservation closed_for(Duration pause) const;
  /// When open_for() changes without a further call.
  [[nodiscard]] Instant opens_at() const {
    return asked_ ? Instant::max() : std::max(usable_at_, ask_again_at_);
  }

 private:
  [[nodiscard]] double requests_per_second() const;
  [[nodiscard]] double tokens_per_second() const;
  void lapse(Instant now);

  std::string endpoint_, model_;
  double configured_requests_ = 0, configured_tokens_ = 0;  ///< per second; 0: not configured
  double learned_requests_ = 0, learned_tokens_ = 0;
  std::int64_t requests_ = 0;  ///< reserved and not spent
  double tokens_ = 0;  ///< reserved and not spent; negative after a request that cost more than was reserved
  double ratio_ = 1;   ///< of billed tokens to estimated ones
  Instant usable_at_{};
  bool asked_ = false;
  Instant ask_again_at_{};
};

}  // namespace embedd
