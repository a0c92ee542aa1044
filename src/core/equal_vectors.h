/// Finds different texts to which one answer gave the same vector, bit by bit.
///
/// Some servers mix up texts that they compute at the same time. Others give equal vectors for a reason: they
/// ignore case, or cut long texts that begin alike. The answer does not show which case it is. So embedd asks
/// for each of the texts alone. If the vectors are equal again, the model gives these texts equal vectors,
/// and equal vectors are believed for an hour (AnswerDoubts).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/batch.h"
#include "core/job.h"

namespace embedd {

/// Inputs with the same vector, different texts among them.
using EqualInputs = std::vector<std::size_t>;
std::vector<EqualInputs> equal_vectors(const Batch& batch, const Embeddings& vectors);

/// Jobs whose texts got the same vector, while each text is asked for alone.
class EqualJobs {
 public:
  explicit EqualJobs(std::size_t jobs) : jobs_(jobs) {}

  enum class Finding { unknown, equal, different };
  /// One of the texts got this vector, alone. The finding is `unknown` until all of the texts have their
  /// vectors.
  Finding answered(const Embeddings& vectors, std::size_t slot);
  [[nodiscard]] std::size_t jobs() const { return jobs_; }

 private:
  std::size_t jobs_;
  std::size_t answered_ = 0;
  std::optional<std::uint64_t> first_;  ///< fingerprint of the first vector
  bool differ_ = false;
};

}  // namespace embedd
