/// Query vectors that several servers share, in Redis.
///
/// A vector is kept for kLives. One server adds at most kMostBytes at once, and kMostBytes more in kLives; so
/// what is kept is bounded, whatever the server's own limit of memory is.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/units.h"
#include "redis/client.h"

namespace embedd::app {

class SharedVectors {
 public:
  static constexpr seconds kLives = std::chrono::hours(24);
  static constexpr std::size_t kMostBytes = 64 * kMiB;

  enum class Outcome : std::uint8_t { hit, miss, invalid, unavailable };
  /// The vector is empty unless it is a hit. Called on the client's thread, or by find(); must not block.
  using Found = std::function<void(Outcome, std::vector<float>)>;

  /// `client` must outlive this object.
  explicit SharedVectors(redis::Client& client) : client_(client) {}

  /// `key`: of vector_key(). A value that is not this key's vector is a miss, and says so.
  void find(const std::string& key, int dimensions, Found found);
  /// For one thread. A vector over the bound, or that Redis does not take, is not kept.
  void keep(const std::string& key, const std::vector<float>& vector);

 private:
  redis::Client& client_;
  double left_ = kMostBytes;  ///< bytes that may be added
  Instant at_{};
};

/// hit, miss, invalid, unavailable
const char* name_of(SharedVectors::Outcome outcome);

}  // namespace embedd::app
