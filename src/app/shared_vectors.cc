#include "app/shared_vectors.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "app/vector_codec.h"

namespace embedd::app {
namespace {

/// Memory of an entry beside its key and value, roughly.
constexpr std::size_t kOverheadBytes = 100;

}  // namespace

void SharedVectors::find(const std::string& key, int dimensions, Found found) {
  client_.run({"GET", key}, [key, dimensions, found = std::move(found)](Result<redis::Reply> reply) {
    if (!reply) return found(Outcome::unavailable, {});
    if (reply->kind != redis::Reply::Kind::text) return found(Outcome::miss, {});
    auto vector = unpack_vector(key, reply->text, dimensions);
    if (!vector) return found(Outcome::invalid, {});
    found(Outcome::hit, *std::move(vector));
  });
}

void SharedVectors::keep(const std::string& key, const std::vector<float>& vector) {
  std::string value = pack_vector(key, vector);
  const Instant now = std::chrono::steady_clock::now();
  const double refill = to_seconds(now - at_) / to_seconds(kLives);
  left_ = std::min<double>(kMostBytes, left_ + refill * kMostBytes);
  at_ = now;
  const auto bytes = static_cast<double>(key.size() + value.size() + kOverheadBytes);
  if (bytes > left_ || !client_.up()) return;
  left_ -= bytes;
  client_.run({"SET", key, std::move(value), "EX", std::to_string(kLives.count())},
              [](const Result<redis::Reply>&) {});
}

const char* name_of(SharedVectors::Outcome outcome) {
  switch (outcome) {
    case SharedVectors::Outcome::hit: return "hit";
    case SharedVectors::Outcome::miss: return "miss";
    case SharedVectors::Outcome::invalid: return "invalid";
    case SharedVectors::Outcome::unavailable: break;
  }
  return "unavailable";
}

}  // namespace embedd::app
