/// Admits a number of requests a minute: as many at once, and then as they become due. For one thread.
///
/// Several servers can share a rate: each admits by what it knows, tells the others what it has admitted
/// (take_unsettled), and learns what is left of all (settle).
#pragma once

#include <algorithm>
#include <optional>
#include <utility>

#include "base/units.h"

namespace embedd::serve {

class RequestRate {
 public:
  /// 0: without a limit.
  explicit RequestRate(int per_minute) : per_minute_(per_minute), left_(per_minute) {}

  [[nodiscard]] int per_minute() const { return per_minute_; }

  /// None: the request is admitted. Otherwise: how long until a request would be admitted.
  std::optional<Duration> wait(Instant now) {
    if (per_minute_ == 0) return std::nullopt;
    const double per_second = per_minute_ / 60.0;
    left_ = std::min<double>(per_minute_, left_ + per_second * std::max(0.0, to_seconds(now - at_)));
    at_ = std::max(at_, now);
    if (left_ < 1)
      return std::chrono::duration_cast<Duration>(std::chrono::duration<double>((1 - left_) / per_second));
    left_ -= 1;
    ++unsettled_;
    return std::nullopt;
  }

  /// Requests that were admitted since the last call.
  int take_unsettled() { return std::exchange(unsettled_, 0); }
  [[nodiscard]] bool has_unsettled() const { return unsettled_ > 0; }
  /// `left`: what is left of all servers' requests, those that were taken for settlement included.
  void settle(double left, Instant now) {
    left_ = std::min<double>(per_minute_, left) - unsettled_;
    at_ = now;
  }

 private:
  int per_minute_;
  double left_;
  int unsettled_ = 0;
  Instant at_{};
};

}  // namespace embedd::serve
