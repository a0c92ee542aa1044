/// How many vectors were stored how long after their text had changed: counts in buckets that grow by half,
/// from 5 milliseconds to a day. So many counts can be added, and their quantiles are right to a fifth.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/units.h"

namespace embedd {

class FreshnessCounts {
 public:
  static constexpr std::size_t kBuckets = 42;

  void add(Duration freshness) { ++counts_[bucket_of(freshness)]; }
  /// Adds the counts of `counts`, as counts() gives them; those behind the last bucket count there.
  void add(std::span<const std::int64_t> counts);

  [[nodiscard]] std::int64_t total() const;
  /// The seconds within which a `share` of the vectors was stored, from 0 to 1; none if nothing was counted.
  [[nodiscard]] std::optional<double> quantile(double share) const;
  /// By bucket, without the empty ones at the end.
  [[nodiscard]] std::span<const std::int64_t> counts() const;

 private:
  static std::size_t bucket_of(Duration freshness);

  std::array<std::int64_t, kBuckets> counts_{};
};

}  // namespace embedd
