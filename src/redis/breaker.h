/// Decides when a server that failed is asked again: after a second, and after each further failure twice as
/// long, up to kLongest. Pure; for one thread.
#pragma once

#include <algorithm>

#include "base/units.h"

namespace embedd::redis {

class Breaker {
 public:
  static constexpr Duration kFirst = seconds(1), kLongest = seconds(15);

  [[nodiscard]] bool may_ask(Instant now) const { return now >= until_; }
  /// When the server may be asked again.
  [[nodiscard]] Instant until() const { return until_; }
  void failed(Instant now) {
    pause_ = pause_ == Duration::zero() ? kFirst : std::min(2 * pause_, kLongest);
    until_ = now + pause_;
  }
  /// The server did what it is there for. That a connection was opened is not enough: a server that accepts
  /// connections and then hangs is left alone for longer and longer.
  void succeeded() {
    pause_ = Duration::zero();
    until_ = {};
  }

 private:
  Duration pause_{};
  Instant until_{};
};

}  // namespace embedd::redis
