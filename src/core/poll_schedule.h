/// When to poll next: regularly, at once if others must learn that this worker stops, and soon after a
/// failure.
///
/// Invariant: one poll at a time.
#pragma once

#include <algorithm>

#include "base/units.h"

namespace embedd {

class PollSchedule {
 public:
  [[nodiscard]] bool ready(Instant now) const { return !sent_ && now >= next_; }
  /// `draining`: the poll tells others that this worker stops.
  void sent(bool draining) {
    sent_ = true;
    told_draining_ = draining;
  }
  void answered(bool draining, Duration interval, Instant now) {
    sent_ = false;
    next_ = told_draining_ == draining ? now + interval : now;
  }
  /// Sets the time of the next poll, whatever was planned before.
  void plan(Instant at) { next_ = at; }
  /// The next poll is no later than `at`.
  void plan_by(Instant at) { next_ = std::min(next_, at); }

  [[nodiscard]] bool on_its_way() const { return sent_; }
  [[nodiscard]] Instant next() const { return next_; }

 private:
  bool sent_ = false;
  bool told_draining_ = false;
  Instant next_{};
};

}  // namespace embedd
