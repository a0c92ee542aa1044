/// How large a vectorizer's jobs are, roughly: enough to decide how many of them to claim.
///
/// Invariant: each figure is that of the last claim or request, and a job has at least one token.
#pragma once

#include <algorithm>
#include <cstddef>

namespace embedd {

class JobSizes {
 public:
  void claimed(std::size_t texts, std::size_t bytes) {
    if (texts > 0) bytes_per_text_ = bytes / texts;
  }
  void requested(std::size_t jobs, std::size_t tokens) {
    tokens_per_job_ = std::max<std::size_t>(1, tokens / jobs);
  }

  /// Mean bytes of a text of the last claim with texts; 0: none yet.
  [[nodiscard]] std::size_t bytes_per_text() const { return bytes_per_text_; }
  /// Mean tokens of a job of the last request.
  [[nodiscard]] std::size_t tokens_per_job() const { return tokens_per_job_; }

 private:
  std::size_t tokens_per_job_ = 250;
  std::size_t bytes_per_text_ = 0;
};

}  // namespace embedd
