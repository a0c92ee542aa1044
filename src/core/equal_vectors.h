/// Different texts that one answer gave the same vector, bit by bit.
///
/// Some servers mix up what they compute side by side. Others have good reasons: they ignore case, or cut
/// long texts that begin alike. An answer does not say which it is, so the texts are asked for again, each
/// alone: if their vectors are equal then, too, that is how the model is, and for kTrusted nobody doubts it
/// again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/batch.h"
#include "core/job.h"

namespace embedd {

/// Inputs with the same vector, among them different texts.
using EqualInputs = std::vector<std::size_t>;
std::vector<EqualInputs> equal_vectors(const Batch& batch, const Embeddings& vectors);

/// Jobs whose texts got the same vector, while each of them is asked for alone.
class EqualJobs {
 public:
  explicit EqualJobs(std::size_t jobs) : jobs_(jobs) {}

  enum class Finding { unknown, equal, different };
  /// One of them got this vector, alone. What is found once all of them have theirs, until then: unknown.
  Finding answered(const Embeddings& vectors, std::size_t slot);
  [[nodiscard]] std::size_t jobs() const { return jobs_; }

 private:
  std::size_t jobs_;
  std::size_t answered_ = 0;
  std::optional<std::uint64_t> first_;  ///< fingerprint of the first vector
  bool differ_ = false;
};

}  // namespace embedd
