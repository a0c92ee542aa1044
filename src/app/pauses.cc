#include "app/pauses.h"

#include <algorithm>

namespace embedd::app {
namespace {

constexpr Duration kFirst = seconds(1), kLongest = seconds(30);

bool is_lasting(ErrorKind kind) {
  return kind == ErrorKind::unavailable || kind == ErrorKind::rate_limited ||
         kind == ErrorKind::quota_exhausted || kind == ErrorKind::unauthenticated;
}

}  // namespace

std::optional<Unserved> Pauses::of(const std::string& endpoint, Instant now) const {
  const auto pause = by_endpoint_.find(endpoint);
  if (pause == by_endpoint_.end() || now >= pause->second.until) return std::nullopt;
  Unserved why = pause->second.why;
  why.error.retry_after = pause->second.until - now;
  return why;
}

void Pauses::failed(const std::string& endpoint, const Error& error, Instant now) {
  if (!is_lasting(error.kind)) return;
  Pause& pause = by_endpoint_[endpoint];
  Duration own{};
  if (now >= pause.until) {
    own = std::min<Duration>(kFirst * (1 << std::min(pause.failures, 5)), kLongest);
    ++pause.failures;
  }
  pause.failed_at = now;
  pause.until = std::max(pause.until, now + std::max(own, error.retry_after.value_or(Duration{})));
  pause.why = {std::string(name_of(error.kind)), error};
}

void Pauses::succeeded(const std::string& endpoint, Instant sent_at) {
  const auto pause = by_endpoint_.find(endpoint);
  if (pause != by_endpoint_.end() && sent_at > pause->second.failed_at) by_endpoint_.erase(pause);
}

}  // namespace embedd::app
