/// How long a walk over a table pauses after a page, so that walks have a small share of the time.
///
/// A walk that was due by the clock mostly finds nothing, and nobody waits for it. So whatever a page took,
/// the walk rests for as long as makes that page the given share of both. Several walks of one worker have
/// the share together.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/units.h"

namespace embedd {

class WalkPace {
 public:
  /// The right to walk lapses a minute after each page.
  static constexpr Duration kLongestPause = seconds(45);

  /// `share` is within (0, 1].
  explicit WalkPace(double share) : share_(share) {}

  /// After a page that took so long, while so many walks are under way here.
  [[nodiscard]] Duration pause(Duration took, std::size_t walks) const {
    const double times = static_cast<double>(std::max<std::size_t>(walks, 1)) / share_ - 1;
    return of_seconds(std::min(to_seconds(std::max(took, Duration{})) * times, to_seconds(kLongestPause)));
  }
  /// A page that takes longer would need a longer pause than there may be.
  [[nodiscard]] Duration longest_page() const {
    const double times = 1 / share_ - 1;
    return times <= 0 ? kLongestPause : of_seconds(to_seconds(kLongestPause) / std::max(times, 1.0));
  }

 private:
  static Duration of_seconds(double seconds) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
  }
  double share_;
};

}  // namespace embedd
