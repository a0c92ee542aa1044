/// Time as the loop sees it. Plain numbers carry a unit suffix (`_seconds`, `_bytes`) where they cross a
/// border.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace embedd {

using Duration = std::chrono::nanoseconds;
/// A point on the monotonic clock that the loop is handed (see Clock in core/io.h). Not wall time.
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// Seconds as a double, for metrics and logs.
inline double to_seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;

}  // namespace embedd
