/// How long a walk over a table pauses after a page, so that walks take a small share of the time.
///
/// A walk that was due by the clock alone finds nothing in most cases, and nobody waits for it. So the pause
/// after a page is so long that the page took the given share of page and pause together. Several walks of
/// one worker divide this share.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/units.h"

namespace embedd {

class WalkPace {
 public:
  /// Each page extends the right to walk by a minute.
  static constexpr Duration kLongestPause = seconds(45);

  /// `share` is within (0, 1].
  explicit WalkPace(double share) : share_(share) {}

  /// The pause after a page that took `took`, while this worker has `walks` walks under way.
  [[nodiscard]] Duration pause(Duration took, std::size_t walks) const {
    const double times = static_cast<double>(std::max<std::size_t>(walks, 1)) / share_ - 1;
    return of_seconds(std::min(to_seconds(std::max(took, Duration{})) * times, to_seconds(kLongestPause)));
  }
  /// The longest page whose pause is not cut by kLongestPause.
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
