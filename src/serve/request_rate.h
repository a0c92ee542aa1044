/// Admits a number of requests a minute: as many at once, and then as they become due. For one thread.
#pragma once

#include <algorithm>
#include <optional>

#include "base/units.h"

namespace embedd::serve {

class RequestRate {
 public:
  /// 0: without a limit.
  explicit RequestRate(int per_minute) : per_minute_(per_minute), left_(per_minute) {}

  /// None: the request is admitted. Otherwise: how long until a request would be admitted.
  std::optional<Duration> wait(Instant now) {
    if (per_minute_ == 0) return std::nullopt;
    const double per_second = per_minute_ / 60.0;
    left_ = std::min<double>(per_minute_, left_ + per_second * to_seconds(now - at_));
    at_ = now;
    if (left_ < 1)
      return std::chrono::duration_cast<Duration>(std::chrono::duration<double>((1 - left_) / per_second));
    left_ -= 1;
    return std::nullopt;
  }

 private:
  int per_minute_;
  double left_;
  Instant at_{};
};

}  // namespace embedd::serve
