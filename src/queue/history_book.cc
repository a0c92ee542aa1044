#include "queue/history_book.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

namespace embedd::queue {
namespace {

constexpr Duration kEvery = std::chrono::minutes(1);
constexpr Duration kAtLeastEvery = std::chrono::hours(1);

}  // namespace

void HistoryBook::bought(VectorizerId vectorizer, std::uint64_t tokens) {
  std::int64_t& sum = open_[vectorizer].tokens;
  const auto room = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max() - sum);
  sum += static_cast<std::int64_t>(std::min(tokens, room));
}

void HistoryBook::polled(std::span<const VectorizerState> states) {
  for (auto& [id, open] : open_) open.listed = false;
  for (const VectorizerState& state : states) {
    Open& open = open_[state.vectorizer.id];
    open.listed = true;
    if (!state.problem.empty()) continue;  // its counts are not known
    open.changed |= open.jobs != state.jobs_estimate || open.dead_letters != state.dead_letters;
    open.jobs = state.jobs_estimate;
    open.dead_letters = state.dead_letters;
  }
  std::erase_if(open_, [](const auto& entry) { return !entry.second.listed; });
}

std::optional<std::vector<HistoryRow>> HistoryBook::next(Instant now) {
  if (said_at_ && now < *said_at_ + kEvery) return std::nullopt;
  said_at_ = now;
  auto rows = rest();
  if (rows.empty() && sent_at_ && now < *sent_at_ + kAtLeastEvery) return std::nullopt;
  sent_at_ = now;
  return rows;
}

std::vector<HistoryRow> HistoryBook::rest() {
  std::vector<HistoryRow> rows;
  for (auto& [id, open] : open_) {
    if (!open.listed || (!open.changed && open.rows == 0 && open.tokens == 0)) continue;
    rows.push_back({id, open.jobs, open.dead_letters, std::exchange(open.rows, 0),
                    std::exchange(open.tokens, 0), std::exchange(open.fresh, {})});
    open.changed = false;
  }
  return rows;
}

}  // namespace embedd::queue
