/// The headers of one answer, bounded, and what they say about time and limits. Pure.
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
  /// More than this, over all lines, is refused.
  static constexpr std::size_t kMaxBytes = 64 * kKiB;

  /// Takes one line as it came, `Name: value`, line end included. A status line starts afresh, so that what
  /// remains is of the last answer (a proxy or a 100 may come first). False when the bound is passed.
  bool add_line(std::string_view line);
  void clear();

  /// The value of the last such header, trimmed, or "". `name` in lower case.
  [[nodiscard]] std::string_view get(std::string_view name) const;

 private:
  std::vector<std::pair<std::string, std::string>> fields_;  ///< names in lower case
  std::size_t bytes_ = 0;
};

/// A Go duration: `12ms`, `6m0s`, `23h47m36.648s`. nullopt unless all of it is one, and not negative.
std::optional<Duration> parse_go_duration(std::string_view text);

/// Seconds with a fraction, `2.812`; nullopt for anything else. At most a year.
std::optional<Duration> parse_seconds(std::string_view text);

/// How long the server asks to wait: `retry-after-ms`, `x-ms-retry-after-ms`, `retry-after` (seconds, or an
/// HTTP date counted from the answer's own `date`, or from `now` if it has none). A time in the past is zero.
std::optional<Duration> retry_after(const ResponseHeaders& headers, std::time_t now);

/// `x-request-id`, by which a provider's support finds the request, without any secret. What is longer than
/// kMaxRequestId, or has spaces or anything unprintable, is no id: "".
std::string request_id(const ResponseHeaders& headers);
inline constexpr std::size_t kMaxRequestId = 128;

/// `x-ratelimit-*`. Negative and unreadable numbers count as absent.
RateLimits rate_limits(const ResponseHeaders& headers);

}  // namespace embedd::provider
