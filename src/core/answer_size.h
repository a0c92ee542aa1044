/// The memory that one endpoint's answers take, learned from its answers.
///
/// A value takes 5.4 bytes as base64, and up to 25 as a number. Until the first answer arrives, AnswerSize
/// assumes numbers.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/units.h"

namespace embedd {

/// The least bytes per value: base64 as received, then float32. Both exist at the same time only while one
/// answer is decoded.
inline constexpr std::size_t kLeastBytesPerValue = 6;
/// Most bytes of a usual value as a number: seventeen digits, sign, exponent and separator.
inline constexpr std::size_t kBytesPerNumber = 24;
/// The rest of an answer beside its values, and the connection's buffers.
inline constexpr std::size_t kBytesPerRequest = 16 * kKiB;

/// Memory that a request of `inputs` vectors needs until it is settled.
constexpr std::size_t answer_bytes(std::size_t inputs, int dimensions, std::size_t bytes_per_value) {
  return inputs * static_cast<std::size_t>(dimensions) * bytes_per_value + kBytesPerRequest;
}

class AnswerSize {
 public:
  /// Rounded up to whole bytes.
  [[nodiscard]] std::size_t bytes_per_value() const { return bytes_per_value_; }
  /// Learns from an answer of `body_bytes` (0: the answer had no body). A larger size is believed at once, a
  /// smaller one step by step.
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
