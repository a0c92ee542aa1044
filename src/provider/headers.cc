#include "provider/headers.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/redaction.h"
#include "base/trim.h"

namespace embedd::provider {

namespace {

constexpr double kMaxSeconds = 365.0 * 86'400;

char to_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Removes digits with an optional fraction from the start of `text` and returns their value. No sign, no
/// exponent.
std::optional<double> take_decimal(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
  double value = 0;
  const auto [last, error] = std::from_chars(text.data(), text.data() + end, value, std::chars_format::fixed);
  if (error != std::errc() || last != text.data() + end) return std::nullopt;
  text.remove_prefix(end);
  return value;
}

std::optional<Duration> from_seconds(double value) {
  if (!std::isfinite(value) || value < 0) return std::nullopt;
  return Duration(std::llround(std::min(value, kMaxSeconds) * 1e9));
}

/// Parses IMF-fixdate, the only format that RFC 9110 lets servers send: `Sun, 06 Nov 1994 08:49:37 GMT`.
std::optional<std::time_t> parse_http_date(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 29 || !text.ends_with(" GMT")) return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t length) {
    int value = -1;
    const char* const begin = text.data() + at;
    const auto [last, error] = std::from_chars(begin, begin + length, value);
    return error == std::errc() && last == begin + length ? value : -1;
  };
  const std::size_t month = kMonths.find(text.substr(8, 3));
  std::tm date{};
  date.tm_mday = number(5, 2);
  date.tm_year = number(12, 4) - 1900;
  date.tm_hour = number(17, 2);
  date.tm_min = number(20, 2);
  date.tm_sec = number(23, 2);
  if (month == std::string_view::npos || month % 3 != 0 || date.tm_mday < 1 || date.tm_year < 0 ||
      date.tm_hour < 0 || date.tm_min < 0 || date.tm_sec < 0)
    return std::nullopt;
  date.tm_mon = static_cast<int>(month / 3);
  return timegm(&date);
}

std::optional<std::int64_t> parse_limit(std::string_view text) {
  std::int64_t value = 0;
  const auto [last, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || last != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

}  // namespace

bool ResponseHeaders::add_line(std::string_view line) {
  if (line.starts_with("HTTP/")) clear();
  bytes_ += line.size();
  if (bytes_ > kMaxBytes) return false;
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return true;
  std::string name(line.substr(0, colon));
  std::ranges::transform(name, name.begin(), to_lower);
  fields_.emplace_back(std::move(name), trim(line.substr(colon + 1)));
  return true;
}

void ResponseHeaders::clear() {
  fields_.clear();
  bytes_ = 0;
}

std::string_view ResponseHeaders::get(std::string_view name) const {
  for (auto field = fields_.rbegin(); field != fields_.rend(); ++field)
    if (field->first == name) return field->second;
  return {};
}

std::optional<Duration> parse_go_duration(std::string_view text) {
  text = trim(text);
  if (text == "0") return Duration::zero();
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    const auto value = take_decimal(text);
    if (!value) return std::nullopt;
    // Longer units first: `ms` begins like `m`.
    constexpr std::pair<std::string_view, double> kUnits[] = {
        {"ns", 1e-9}, {"us", 1e-6}, {"\xC2\xB5s", 1e-6}, {"\xCE\xBCs", 1e-6},
        {"ms", 1e-3}, {"h", 3600},  {"m", 60},           {"s", 1}};
    const auto* const unit = std::ranges::find_if(
        kUnits, [&](const auto& candidate) { return text.starts_with(candidate.first); });
    if (unit == std::end(kUnits)) return std::nullopt;
    text.remove_prefix(unit->first.size());
    total += *value * unit->second;
  }
  return from_seconds(total);
}

std::optional<Duration> parse_seconds(std::string_view text) {
  text = trim(text);
  const auto value = take_decimal(text);
  if (!value || !text.empty()) return std::nullopt;
  return from_seconds(*value);
}

std::optional<Duration> retry_after(const ResponseHeaders& headers, std::time_t now) {
  for (const std::string_view name : {"retry-after-ms", "x-ms-retry-after-ms"})
    if (const auto millis = parse_seconds(headers.get(name))) return *millis / 1000;
  const std::string_view value = headers.get("retry-after");
  if (const auto wait = parse_seconds(value)) return wait;
  if (const auto wait = parse_go_duration(value)) return wait;
  if (const auto date = parse_http_date(value)) {
    const std::time_t from = parse_http_date(headers.get("date")).value_or(now);
    return from_seconds(std::max(0.0, std::difftime(*date, from)));
  }
  return std::nullopt;
}

std::string request_id(const ResponseHeaders& headers) {
  const std::string_view id = headers.get("x-request-id");
  const bool sound =
      id.size() <= kMaxRequestId && std::ranges::all_of(id, [](char c) { return c > ' ' && c <= '~'; });
  return sound ? redact(id) : std::string();
}

RateLimits rate_limits(const ResponseHeaders& headers) {
  RateLimits limits;
  limits.limit_requests = parse_limit(headers.get("x-ratelimit-limit-requests"));
  limits.limit_tokens = parse_limit(headers.get("x-ratelimit-limit-tokens"));
  limits.remaining_requests = parse_limit(headers.get("x-ratelimit-remaining-requests"));
  limits.remaining_tokens = parse_limit(headers.get("x-ratelimit-remaining-tokens"));
  limits.reset_requests = parse_go_duration(headers.get("x-ratelimit-reset-requests"));
  limits.reset_tokens = parse_go_duration(headers.get("x-ratelimit-reset-tokens"));
  return limits;
}

}  // namespace embedd::provider
