/// How much memory the answers of one endpoint take, learned from those that came.
///
/// A value takes 5.4 bytes as base64, and up to 25 as a number. Until the first answer says which of them the
/// server sends, it is assumed to send numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/units.h"

namespace embedd {

/// The least per value: base64 as it came, then float32. Both at the same time only while one answer is
/// decoded. …
inline constexpr std::size_t kLeastBytesPerValue = 6;
/// … The most that is usual: seventeen digits, sign, exponent and separator.
inline constexpr std::size_t kBytesPerNumber = 24;
/// What comes with the values, and the connection's buffers.
inline constexpr std::size_t kBytesPerRequest = 16 * kKiB;

/// Memory that a request of `inputs` vectors needs until it is settled.
constexpr std::size_t answer_bytes(std::size_t inputs, int dimensions, std::size_t bytes_per_value) {
  return inputs * static_cast<std::size_t>(dimensions) * bytes_per_value + kBytesPerRequest;
}

class AnswerSize {
 public:
  /// Whole bytes, rounded up.
  [[nodiscard]] std::size_t bytes_per_value() const { return bytes_per_value_; }
  /// An answer's body had so many bytes (0: there was none). More is believed at once, less bit by bit.
  void learn(std::size_t body_bytes, std::size_t values) {
    constexpr std::size_t kEnvelope = 1 * kKiB;  // covered by kBytesPerRequest
    constexpr double kLearning = 0.25;
    if (values == 0) return;
    const double seen =
        static_cast<double>(body_bytes - std::min(body_bytes, kEnvelope)) / static_cast<double>(values);
    mean_ = !known_ || seen > mean_ ? seen : mean_ + kLearning * (seen - mean_);
    known_ = true;
    bytes_per_value_ = std::max(kLeastBytesPerValue, static_cast<std::size_t>(std::ceil(mean_)));
  }

 private:
  bool known_ = false;
  double mean_ = 0;
  std::size_t bytes_per_value_ = kBytesPerNumber;
};

}  // namespace embedd
