#include "cli/progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>

#include "cli/output.h"

namespace embedd::cli {

namespace {

constexpr milliseconds kBetween{100};
constexpr int kWidth = 24;

std::string bar(double share) {
  const int full = static_cast<int>(share * kWidth);
  std::string out;
  for (int i = 0; i < kWidth; ++i) out += i < full ? "█" : "░";
  return out;
}

}  // namespace

void Progress::settled(const Vectorizer&, const Settlement& settlement, Outcome outcome, std::size_t jobs) {
  if (outcome != Outcome::done || settlement.action == Action::extend) return;
  left_ = std::max<std::int64_t>(0, left_ - static_cast<std::int64_t>(jobs));
  if (settlement.action == Action::complete) done_ += jobs;
}

void Progress::polled(const std::vector<VectorizerState>& states) {
  left_ = 0;
  for (const VectorizerState& state : states) left_ += state.jobs_estimate;
}

void Progress::in_flight(std::size_t requests, std::size_t leases, std::size_t) {
  const Instant now = clock_.now();
  if (requests + leases == 0 && left_ == 0) {
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
  const auto done = static_cast<std::int64_t>(done_);
  const double share = done + left_ == 0 ? 0 : static_cast<double>(done) / static_cast<double>(done + left_);
  const double passed = to_seconds(now - began_at_);
  const double rate = passed > 0.5 ? static_cast<double>(done) / passed : 0;
  std::string line = fmt::format("\r\x1b[K{} {:3.0f} %  {} of about {} rows", bar(share), share * 100,
                                 human_count(done), human_count(done + left_));
  if (rate >= 1)
    line += fmt::format("  {} rows/s, {} left", human_count(static_cast<std::int64_t>(rate)),
                        human_age(static_cast<double>(left_) / rate));
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void Progress::clear() {
  if (!visible_) return;
  visible_ = false;
  constexpr std::string_view kClear = "\r\x1b[K";
  std::fwrite(kClear.data(), 1, kClear.size(), stderr);
}

}  // namespace embedd::cli
