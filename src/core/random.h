/// The source of chance for all of core: seeded, so that a simulated day can be replayed.
#pragma once

#include <cstdint>

#include "core/job.h"

namespace embedd {

/// SplitMix64 (Steele, Lea, Flood 2014). For jitter and lease tokens; a token is unique, not secret.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  /// Uniform in [0, 1).
  double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// Uniform in [0, bound); bound > 0.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

  LeaseToken lease_token() {
    LeaseToken token;
    for (std::size_t i = 0; i < token.size(); i += 8) {
      const std::uint64_t word = next();
      for (std::size_t j = 0; j < 8; ++j) token[i + j] = static_cast<std::uint8_t>(word >> (8 * j));
    }
    token[6] = static_cast<std::uint8_t>((token[6] & 0x0F) | 0x40);  // RFC 9562: a version 4 UUID
    token[8] = static_cast<std::uint8_t>((token[8] & 0x3F) | 0x80);
    return token;
  }

 private:
  std::uint64_t state_;
};

}  // namespace embedd
