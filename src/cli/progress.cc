#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/log.h"
#include "cli/output.h"

namespace embedd::cli {

namespace {

constexpr milliseconds kBetween{100};
constexpr int kWidth = 24;
/// Most jobs that the queue's poll counts.
constexpr std::int64_t kCountedAtMost = 10'000;

}  // namespace

std::string progress_bar(double share) {
  const int full = static_cast<int>(share * kWidth);
  std::string out;
  for (int i = 0; i < kWidth; ++i) out += i < full ? "█" : "░";
  return out;
}

void Progress::settled(const Vectorizer&, const Settlement& settlement, Outcome outcome, std::size_t jobs) {
  if (outcome != Outcome::done || settlement.action == Action::extend) return;
  left_ = std::max<std::int64_t>(0, left_ - static_cast<std::int64_t>(jobs));
  if (settlement.action == Action::complete) done_ += static_cast<std::int64_t>(jobs);
}

void Progress::polled(const std::vector<VectorizerState>& states) {
  // A poll stops counting at kCountedAtMost; beyond that, the count of rows enqueued here is better.
  std::int64_t counted = 0;
  left_is_bound_ = false;
  for (const VectorizerState& state : states) {
    counted += state.jobs_estimate;
    left_is_bound_ = left_is_bound_ || state.jobs_estimate >= kCountedAtMost;
  }
  left_ = left_is_bound_ ? std::max(left_, counted) : counted;
}

void Progress::walked(const Vectorizer& vectorizer, const WalkPage::Progress& progress) {
  left_ += static_cast<std::int64_t>(progress.enqueued);
  if (progress.finished)
    walking_.erase(vectorizer.id);
  else
    walking_.insert(vectorizer.id);
}

void Progress::in_flight(std::size_t requests, std::size_t leases, std::size_t) {
  working_ = requests + leases > 0;
}

void Progress::turned() {
  const Instant now = clock_.now();
  if (!working_ && left_ == 0) {
    clear();
    done_ = 0;
    began_at_ = Instant{};
    return;
  }
  if (began_at_ == Instant{}) began_at_ = now;
  if (now - drawn_at_ >= kBetween) draw(now);
}

void Progress::draw(Instant now) {
  drawn_at_ = now;
  visible_ = true;
  const double passed = to_seconds(now - began_at_);
  const double rate = passed > 0.5 ? static_cast<double>(done_) / passed : 0;
  const std::string speed =
      rate < 1 ? std::string() : fmt::format("  {} rows/s", human_count(static_cast<std::int64_t>(rate)));
  std::string line;
  if (left_is_bound_ || !walking_.empty()) {
    line = fmt::format("{} rows{}", human_count(done_), speed);
    if (left_ > 0) line += fmt::format(", more than {} to go", human_count(left_));
  } else {
    const double share =
        static_cast<double>(done_) / static_cast<double>(std::max<std::int64_t>(1, done_ + left_));
    line = fmt::format("{} {:3.0f} %  {} of {} rows{}", progress_bar(share), share * 100, human_count(done_),
                       human_count(done_ + left_), speed);
    if (rate >= 1) line += fmt::format(", {} left", human_age(static_cast<double>(left_) / rate));
  }
  log::write_plain("\r\x1b[K" + line);
}

void Progress::clear() {
  if (!visible_) return;
  visible_ = false;
  log::write_plain("\r\x1b[K");
}

}  // namespace embedd::cli
