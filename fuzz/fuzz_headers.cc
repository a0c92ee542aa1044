/// Headers, durations, dates and base64, whatever the bytes.

#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "provider/base64.h"
#include "provider/headers.h"

namespace embedd {
namespace {

void run(std::string_view text) {
  for (const auto& duration : {provider::parse_go_duration(text), provider::parse_seconds(text)})
    if (duration)
      CHECK(*duration >= Duration::zero() && *duration <= std::chrono::hours(24 * 365), "{} ns",
            duration->count());

  provider::ResponseHeaders headers;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (!headers.add_line(text.substr(at, end - at))) break;
    at = end + 1;
  }
  if (const auto wait = provider::retry_after(headers, 784111777))
    CHECK(*wait >= Duration::zero(), "{} ns", wait->count());
  const RateLimits limits = provider::rate_limits(headers);
  if (limits.limit_tokens) CHECK(*limits.limit_tokens >= 0, "{}", *limits.limit_tokens);

  if (const auto bytes = provider::base64_bytes(text)) {
    std::vector<unsigned char> out(*bytes);  // exactly, so that AddressSanitizer sees one byte too many
    provider::base64_decode(text, out.data());
  }
}

}  // namespace
}  // namespace embedd

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  embedd::run({reinterpret_cast<const char*>(data), size});
  return 0;
}
