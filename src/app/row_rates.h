/// Rows per second of the last half minute, from counters that are read again and again.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "base/units.h"

namespace embedd::app {

class RowRates {
 public:
  static constexpr Duration kWindow = seconds(30);

  /// The rate of the counter `name`, which says `rows` now. None at first, and after a counter fell: then its
  /// worker is another one.
  std::optional<double> update(const std::string& name, std::int64_t rows, Instant now);
  /// Forgets counters that were not updated at `now`.
  void forget_others(Instant now);

 private:
  using Reading = std::pair<Instant, std::int64_t>;
  std::map<std::string, std::deque<Reading>> readings_;  ///< the oldest first
};

}  // namespace embedd::app
