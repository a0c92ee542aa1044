/// The rests of a vectorizer that the endpoint or the database refuses, as told apart from the endpoint's own
/// troubles.
///
/// Each rest is longer than the one before, until a vector is stored. After a rest the vectorizer is probed:
/// a claim of a few rows, and no other until that is settled.
///
/// Invariant: it is probed if and only if a rest began since the last stored vector. No rest ends early
/// unless the declaration changed.
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
  /// A vector was stored. True if that ends the probing.
  bool vector_stored();
  /// The declaration changed, and deserves a try at once.
  void cut_short() { until_ = Instant{}; }
  /// Whether single rows are at fault, one after another: a good row among them says that the others are.
  /// Holds until it is said otherwise, or a vector is stored.
  void blame_rows(bool rows) { rows_refused_ = rows; }

  [[nodiscard]] bool resting(Instant now) const { return now < until_; }
  /// It has rested, and no vector was stored since.
  [[nodiscard]] bool probing() const { return times_ > 0; }
  /// Rows of a claim while it is probed.
  [[nodiscard]] std::uint32_t probe_rows() const;
  [[nodiscard]] bool rows_refused() const { return rows_refused_; }
  [[nodiscard]] Instant until() const { return until_; }
  [[nodiscard]] const std::string& because() const { return because_; }

 private:
  Instant until_{};
  unsigned times_ = 0;  ///< in a row
  std::string because_;
  bool rows_refused_ = false;
};

}  // namespace embedd
