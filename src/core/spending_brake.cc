#include "core/spending_brake.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace embedd {

namespace {

constexpr std::size_t kWays = 8;  ///< rows of a set
constexpr double kAnyForgottenASecond = SpendingBrake::kAnyText / 3600.0;

/// What is left of a count that shrinks at an even rate.
double left_of(double count, Duration passed, double forgotten_a_second) {
  return std::max(0.0, count - to_seconds(passed) * forgotten_a_second);
}

/// How long a count takes to fall from `count` to `most`.
Duration until(double count, double most, double forgotten_a_second) {
  const double over = std::max(0.0, count - most);
  return std::chrono::ceil<Duration>(std::chrono::duration<double>(over / forgotten_a_second));
}

/// How long to wait after a purchase that raised the text's count to `count`.
Duration pause_after(double count) {
  const auto beyond = static_cast<int>(std::lround(std::min<double>(count, SpendingBrake::kSameText))) -
                      static_cast<int>(SpendingBrake::kAtOnce);
  const Duration growing = beyond < 0 ? Duration{} : Duration(seconds(1)) * (1 << beyond);
  return std::max(growing, until(count, SpendingBrake::kSameText - 1, SpendingBrake::kForgottenASecond));
}

std::uint64_t row_of(const Job& job) {
  const std::uint64_t row =
      fingerprint_of(job.key) ^ (static_cast<std::uint64_t>(job.vectorizer) * 0x9E3779B97F4A7C15ULL);
  return row == 0 ? 1 : row;
}

}  // namespace

/// FNV-1a, finished by SplitMix64's last steps so that its low bits choose well.
std::uint64_t fingerprint_of(const Key& key) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9ULL;
  hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EBULL;
  return hash ^ (hash >> 31);
}

SpendingBrake::SpendingBrake(std::size_t rows) : purchases_(std::max(rows / kWays, std::size_t{1}) * kWays) {}

const SpendingBrake::Purchases* SpendingBrake::find(const Job& job) const {
  const std::uint64_t row = row_of(job);
  const auto set =
      purchases_.begin() + static_cast<std::ptrdiff_t>(row % (purchases_.size() / kWays) * kWays);
  const auto found = std::find_if(set, set + kWays, [row](const Purchases& each) { return each.row == row; });
  return found == set + kWays ? nullptr : &*found;
}

/// Replaces the row with the lowest count, and among equal counts the one bought longest ago.
SpendingBrake::Purchases& SpendingBrake::make_room(std::uint64_t row, Instant now) {
  const auto set =
      purchases_.begin() + static_cast<std::ptrdiff_t>(row % (purchases_.size() / kWays) * kWays);
  const auto worth = [now](const Purchases& each) {
    if (each.row == 0) return std::pair(-1.0, each.last);
    const Duration passed = now - each.last;
    return std::pair(std::max(left_of(each.same, passed, kForgottenASecond),
                              left_of(each.any, passed, kAnyForgottenASecond)),
                     each.last);
  };
  Purchases& least = *std::ranges::min_element(set, set + kWays, {}, worth);
  least = {.row = row};
  return least;
}

SpendingBrake::Wait SpendingBrake::wait(const Job& job, Instant now) const {
  Duration same = pause_after(job.wasted.level) - job.wasted.ago, any{};
  if (const Purchases* known = find(job)) {
    const Duration passed = now - known->last;
    any = until(known->any, kAnyText - 1, kAnyForgottenASecond) - passed;
    if (known->text == job.text_hash) same = std::max(same, pause_after(known->same) - passed);
  }
  return {.length = std::max(same, any), .edited = any > same};
}

void SpendingBrake::bought(const Job& job, Instant now) {
  Purchases* known = find(job);
  if (known == nullptr) known = &make_room(row_of(job), now);
  const Duration passed = now - known->last;
  const double here = known->text == job.text_hash ? left_of(known->same, passed, kForgottenASecond) : 0;
  const double elsewhere = left_of(job.wasted.level, job.wasted.ago, kForgottenASecond);
  known->same = static_cast<float>(std::max(here, elsewhere) + 1);
  known->any = static_cast<float>(left_of(known->any, passed, kAnyForgottenASecond) + 1);
  known->text = job.text_hash;
  known->last = now;
  known->failed = false;
}

void SpendingBrake::refunded(const Job& job) {
  Purchases* known = find(job);
  if (known != nullptr && known->text == job.text_hash) known->same = std::max(known->same - 1, 0.0F);
}

void SpendingBrake::failed(const Job& job) {
  Purchases* known = find(job);
  if (known != nullptr && known->text == job.text_hash) known->failed = true;
}

bool SpendingBrake::travels_alone(const Job& job) const {
  const Purchases* known = find(job);
  return known != nullptr && known->text == job.text_hash && known->failed &&
         std::lround(known->same) >= static_cast<long>(kAtOnce);
}

std::string explain(WasteReason reason) {
  switch (reason) {
    case WasteReason::stale:
      return "texts read differently when their vectors are to be stored: a setting such as TimeZone or "
             "DateStyle differs between sessions, or something rewrites them";
    case WasteReason::failed: return "the endpoint's answers are no good, or come too late";
    case WasteReason::lapsed:
      return "workers die before they store what they bought, or take too long for it";
    case WasteReason::edited:
      return "the same rows get new texts all the time, from a trigger or an application";
    case WasteReason::unknown: break;
  }
  return "vectors that were bought vanish from the table or the queue";
}

}  // namespace embedd
