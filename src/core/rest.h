/// The rests of a vectorizer that the endpoint or the database refuses. The endpoint's own faults are no
/// reason for a rest.
///
/// Each rest is longer than the one before, until a vector is stored. After a rest the vectorizer is probed:
/// the worker claims a few rows, and no more until these are settled.
///
/// Invariant: the vectorizer is probed if and only if a rest has begun since the last stored vector. A rest
/// ends early only if the declaration changes.
#pragma once

#include <cstdint>
#include <string>

#include "base/units.h"
#include "core/random.h"

namespace embedd {

class Rest {
 public:
  /// Begins a rest, and returns its length.
  Duration begin(const std::string& because, Instant now, Random& random);
  /// A vector was stored. True if this ends the probing.
  bool vector_stored();
  /// The declaration changed: the next try is at once.
  void cut_short() { until_ = Instant{}; }
  /// Sets whether one row after another failed. Then a probe has several rows, because one good row among
  /// them shows that the others are at fault. Stays so until the next call, or a stored vector.
  void blame_rows(bool rows) { rows_refused_ = rows; }

  [[nodiscard]] bool resting(Instant now) const { return now < until_; }
  /// A rest has begun, and no vector was stored since.
  [[nodiscard]] bool probing() const { return times_ > 0; }
  /// Rows of a claim while the vectorizer is probed.
  [[nodiscard]] std::uint32_t probe_rows() const;
  [[nodiscard]] bool rows_refused() const { return rows_refused_; }
  [[nodiscard]] Instant until() const { return until_; }
  [[nodiscard]] const std::string& because() const { return because_; }

 private:
  Instant until_{};
  unsigned times_ = 0;  ///< rests in a row
  std::string because_;
  bool rows_refused_ = false;
};

}  // namespace embedd
