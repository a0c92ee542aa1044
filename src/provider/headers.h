/// The headers of one answer, bounded, and what they say about waiting times and limits. Pure.
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/embedder.h"

namespace embedd::provider {

class ResponseHeaders {
 public:
  /// Most bytes over all lines; further lines are refused.
  static constexpr std::size_t kMaxBytes = 64 * kKiB;

  /// Takes one line as received, `Name: value` with its line end. A status line discards the earlier headers,
  /// so that only those of the last answer remain (a proxy's answer or a 100 may come first). False when the
  /// bound is exceeded.
  bool add_line(std::string_view line);
  void clear();

  /// The value of the last header with this name, trimmed, or "". `name` is in lower case.
  [[nodiscard]] std::string_view get(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> fields_;  ///< names in lower case
  std::size_t bytes_ = 0;
};

/// Parses a Go duration: `12ms`, `6m0s`, `23h47m36.648s`. nullopt unless all of the text is a duration and
/// not negative.
std::optional<Duration> parse_go_duration(std::string_view text);

/// Parses seconds with a fraction, `2.812`; nullopt for anything else. At most a year.
std::optional<Duration> parse_seconds(std::string_view text);

/// How long the server asks to wait: `retry-after-ms`, `x-ms-retry-after-ms`, `retry-after` (seconds, or an
/// HTTP date counted from the answer's own `date`, or from `now` if it has none). A time in the past is zero.
std::optional<Duration> retry_after(const ResponseHeaders& headers, std::time_t now);

/// `x-request-id`, without any secret: with it a provider's support finds the request. "" for a value that is
/// longer than kMaxRequestId, or that has spaces or unprintable characters.
std::string request_id(const ResponseHeaders& headers);
inline constexpr std::size_t kMaxRequestId = 128;

/// `x-ratelimit-*`. Negative and unreadable numbers count as absent.
RateLimits rate_limits(const ResponseHeaders& headers);

}  // namespace embedd::provider
