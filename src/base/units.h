/// Time as the loop sees it. A plain number has a unit suffix (`_seconds`, `_bytes`) where it enters or
/// leaves the program.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace embedd {

using Duration = std::chrono::nanoseconds;
/// A point on the monotonic clock that the loop gets (Clock in core/io.h). Not wall time.
using Instant = std::chrono::time_point<std::chrono::steady_clock, Duration>;

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// Seconds as a double, for metrics and logs.
inline double to_seconds(Duration d) { return std::chrono::duration<double>(d).count(); }

inline constexpr std::size_t kKiB = 1024;
inline constexpr std::size_t kMiB = 1024 * kKiB;

}  // namespace embedd
