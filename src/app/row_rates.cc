#include "app/row_rates.h"

namespace embedd::app {

std::optional<double> RowRates::update(const std::string& name, std::int64_t rows, Instant now) {
  std::deque<Reading>& readings = readings_[name];
  if (!readings.empty() && rows < readings.back().second) readings.clear();
  readings.emplace_back(now, rows);
  while (readings.size() > 2 && readings[1].first <= now - kWindow) readings.pop_front();
  const Reading& first = readings.front();
  if (now <= first.first) return std::nullopt;
  return static_cast<double>(rows - first.second) / to_seconds(now - first.first);
}

void RowRates::forget_others(Instant now) {
  std::erase_if(readings_, [now](const auto& entry) { return entry.second.back().first != now; });
}

}  // namespace embedd::app
