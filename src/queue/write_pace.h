/// How many rows of a user's table one statement writes or reads: as many as take half a second, judged by
/// the last statements.
///
/// A statement keeps all its rows locked until it ends, and users may wait for it (G5). The time per row
/// depends on the table: 0.1 ms without an index, 10 ms with a vector index, a second if that index has to be
/// read from disk or a trigger is slow. So the first statements are short, and later ones as long as allowed.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/units.h"

namespace embedd::queue {

class WritePace {
 public:
  /// The parameters of more rows would take too much memory, and longer statements are no faster.
  static constexpr std::size_t kMostRows = 512;
  static constexpr std::size_t kFirstRows = 8;
  static constexpr Duration kAim = milliseconds(500);
  struct Bounds {
    std::size_t first = kFirstRows, least = 1, most = kMostRows;
    Duration aim = kAim;
  };

  WritePace() = default;
  explicit WritePace(Bounds bounds) : bounds_(bounds) {}

  /// Rows of the next statement; at least one.
  [[nodiscard]] std::size_t rows() const { return rows_; }

  /// A statement wrote `written` rows in `took`. Short statements say little about longer ones. So the pace
  /// at most doubles, and only after a statement with as many rows as allowed.
  void wrote(std::size_t written, Duration took) {
    const double share = to_seconds(bounds_.aim) / std::max(to_seconds(took), 1e-6);
    const auto fitting = static_cast<std::size_t>(std::min(static_cast<double>(written) * share, 1e6));
    if (fitting < written || written >= rows_)
      rows_ = std::clamp(fitting, bounds_.least, std::clamp(2 * written, bounds_.least, bounds_.most));
  }

  /// A statement was canceled, because it took too long; nobody knows how much.
  void canceled(std::size_t rows) { rows_ = std::clamp(rows / 4, bounds_.least, rows_); }

 private:
  Bounds bounds_{};
  std::size_t rows_ = bounds_.first;
};

}  // namespace embedd::queue
