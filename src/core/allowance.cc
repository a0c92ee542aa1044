#include "core/allowance.h"

#include <algorithm>
#include <cmath>

namespace embedd {

namespace {

/// A reservation that is not spent for this long has lapsed: other workers have waited for it in vain.
constexpr Duration kLapses = seconds(5);
/// How long to wait after a reservation that failed.
constexpr Duration kAskAgain = seconds(1);
/// The share of the allowed rate that is used, because clocks differ.
constexpr double kShare = 0.995;
/// Seconds' worth of the allowed tokens that one request has at most.
constexpr double kLongestRequest = 3;
/// Seconds' worth of reserved and unneeded tokens that may be spent later. The provider has forgotten older
/// ones, and would see a burst.
constexpr double kMostLeftOver = 0.5;
/// How fast the ratio of billed to estimated tokens is learned, and its bounds.
constexpr double kLearning = 0.2, kLeastRatio = 0.05, kMostRatio = 4;

Duration time_to_earn(double amount, double per_second) {
  if (per_second <= 0 || amount <= 0) return {};
  return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(amount / (per_second * kShare)));
}

/// The limit per second. A limit is per minute, unless it takes long to fill up and fills up at the pace of a
/// limit per day.
double rate_of(std::optional<std::int64_t> limit, std::optional<std::int64_t> remaining,
               std::optional<Duration> reset) {
  if (!limit || *limit <= 0) return 0;
  const double per_second = static_cast<double>(*limit) / 60;
  if (!remaining || !reset || *reset <= Duration{} || *remaining >= *limit) return per_second;
  const double refill =
      static_cast<double>(*limit - std::max<std::int64_t>(*remaining, 0)) / to_seconds(*reset);
  const double per_day = static_cast<double>(*limit) / 86'400;
  const bool daily = *reset > std::chrono::minutes(1) && refill > per_day / 2 && refill < per_day * 2;
  return daily ? per_day : per_second;
}

}  // namespace

void Allowance::configure(const EndpointLimits& limits) {
  configured_requests_ = static_cast<double>(std::max<std::int64_t>(limits.requests_per_minute, 0)) / 60;
  configured_tokens_ = static_cast<double>(std::max<std::int64_t>(limits.tokens_per_minute, 0)) / 60;
}

void Allowance::learn(const RateLimits& limits) {
  if (const double rate = rate_of(limits.limit_requests, limits.remaining_requests, limits.reset_requests);
      rate > 0)
    learned_requests_ = rate;
  if (const double rate = rate_of(limits.limit_tokens, limits.remaining_tokens, limits.reset_tokens);
      rate > 0)
    learned_tokens_ = rate;
}

double Allowance::requests_per_second() const {
  return configured_requests_ > 0 ? configured_requests_ : learned_requests_;
}

double Allowance::tokens_per_second() const {
  return configured_tokens_ > 0 ? configured_tokens_ : learned_tokens_;
}

std::size_t Allowance::most_tokens() const {
  if (tokens_per_second() <= 0) return std::numeric_limits<std::size_t>::max();
  return static_cast<std::size_t>(std::max(1.0, tokens_per_second() * kLongestRequest / ratio_));
}

std::size_t Allowance::open_for(Instant now) const {
  if (!limited()) return std::numeric_limits<std::size_t>::max();
  if (asked_ || requests_ < 1 || now < usable_at_ || now - usable_at_ > kLapses) return 0;
  if (tokens_per_second() <= 0) return std::numeric_limits<std::size_t>::max();
  return static_cast<std::size_t>(std::max(tokens_, 0.0) / ratio_);
}

void Allowance::lapse(Instant now) {
  if (now - usable_at_ <= kLapses) {
    if (requests_ == 0) tokens_ = std::min(tokens_, kMostLeftOver * tokens_per_second());
    return;
  }
  requests_ = 0;
  tokens_ = std::min(tokens_, 0.0);
}

std::optional<Reservation> Allowance::reserve(std::size_t tokens, Instant now) {
  if (asked_ || now < ask_again_at_) return std::nullopt;
  lapse(now);
  const std::int64_t requests = std::max<std::int64_t>(1 - requests_, 0);
  const double missing =
      tokens_per_second() > 0 ? std::max(std::ceil(static_cast<double>(tokens) * ratio_ - tokens_), 0.0) : 0;
  if (requests == 0 && missing == 0) return std::nullopt;
  asked_ = true;
  return Reservation{.endpoint = endpoint_,
                     .model = model_,
                     .requests = requests,
                     .tokens = static_cast<std::int64_t>(missing),
                     .requests_time = time_to_earn(static_cast<double>(requests), requests_per_second()),
                     .tokens_time = time_to_earn(missing, tokens_per_second())};
}

/// Closes the account for at most a minute. If the endpoint is still closed then, the provider says so again.
Reservation Allowance::closed_for(Duration pause) const {
  return {.endpoint = endpoint_,
          .model = model_,
          .closed_for = std::clamp<Duration>(pause, Duration{}, std::chrono::minutes(1))};
}

void Allowance::reserved(const Reserved& answer, Instant now) {
  if (answer.reservation.requests == 0 && answer.reservation.tokens == 0) return;  // closed_for() made it
  asked_ = false;
  Duration wait{};
  if (answer.wait) {
    wait = *answer.wait;
  } else if (answer.wait.error().kind == ErrorKind::misconfigured ||
             answer.wait.error().kind == ErrorKind::rejected) {
    // The database refuses the account: a privilege is missing, say. Keep at least this worker to the limits.
    wait = std::max(answer.reservation.requests_time, answer.reservation.tokens_time);
  } else {
    ask_again_at_ = now + kAskAgain;
    return;
  }
  requests_ += answer.reservation.requests;
  tokens_ += static_cast<double>(answer.reservation.tokens);
  usable_at_ = now + std::max(wait, Duration{});
}

void Allowance::spend(std::size_t tokens) {
  if (!limited()) return;
  requests_ = std::max<std::int64_t>(requests_ - 1, 0);
  if (tokens_per_second() > 0) tokens_ -= static_cast<double>(tokens) * ratio_;
}

void Allowance::correct(std::size_t estimated, std::size_t billed) {
  if (billed == 0 || estimated == 0 || tokens_per_second() <= 0) return;
  const auto spent = static_cast<double>(estimated) * ratio_, due = static_cast<double>(billed);
  tokens_ += std::max(spent - due, -kLongestRequest * tokens_per_second());
  const double ratio = due / static_cast<double>(estimated);
  ratio_ = std::clamp(ratio_ + kLearning * (ratio - ratio_), kLeastRatio, kMostRatio);
}

}  // namespace embedd
