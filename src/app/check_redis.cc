#include "app/check_redis.h"

#include <fmt/format.h>

#include <chrono>
#include <string>

#include "base/redaction.h"
#include "redis/client.h"
#include "redis/connection.h"

namespace embedd::app {

Finding check_redis(const redis::Target& target) {
  constexpr const char* kSubject = "redis";
  const HiddenSecret hidden(target.password, {target.host, target.user});
  redis::Connection connection;
  const Instant began = std::chrono::steady_clock::now();
  const auto opened = connection.open(target, began + seconds(2));
  const Duration took = std::chrono::steady_clock::now() - began;
  if (!opened)
    return {Finding::Verdict::note, kSubject,
            fmt::format("{}: {}; servers share neither query vectors nor rates", target.shown(),
                        redact(opened.error().message))};
  if (took > redis::Client::kPatience)
    return {
        Finding::Verdict::note, kSubject,
        fmt::format("{} took {:.0f} ms to answer, and a server waits for {:.0f} ms at most", target.shown(),
                    1000 * to_seconds(took), 1000 * to_seconds(redis::Client::kPatience))};
  return {Finding::Verdict::good, kSubject, target.shown() + " answers"};
}

}  // namespace embedd::app
