#include "core/freshness_counts.h"

#include <algorithm>
#include <numeric>

namespace embedd {
namespace {

/// The most seconds of each bucket; the last one has no end.
constexpr auto kEnds = [] {
  std::array<double, FreshnessCounts::kBuckets> ends{};
  double end = 0.005;
  for (double& each : ends) {
    each = end;
    end *= 1.5;
  }
  return ends;
}();

}  // namespace

std::size_t FreshnessCounts::bucket_of(Duration freshness) {
  const auto found = std::ranges::lower_bound(kEnds, to_seconds(freshness));
  return std::min<std::size_t>(static_cast<std::size_t>(found - kEnds.begin()), kBuckets - 1);
}

void FreshnessCounts::add(std::span<const std::int64_t> counts) {
  for (std::size_t i = 0; i < counts.size(); ++i)
    counts_[std::min(i, kBuckets - 1)] += std::max<std::int64_t>(counts[i], 0);
}

std::int64_t FreshnessCounts::total() const {
  return std::accumulate(counts_.begin(), counts_.end(), std::int64_t{0});
}

std::optional<double> FreshnessCounts::quantile(double share) const {
  const auto all = static_cast<double>(total());
  if (all <= 0) return std::nullopt;
  double before = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    const auto here = static_cast<double>(counts_[i]);
    if (here <= 0 || before + here < share * all) {
      before += here;
      continue;
    }
    const double start = i == 0 ? 0 : kEnds[i - 1];
    return start + (kEnds[i] - start) * std::clamp((share * all - before) / here, 0.0, 1.0);
  }
  return kEnds.back();
}

std::span<const std::int64_t> FreshnessCounts::counts() const {
  const auto last =
      std::ranges::find_if(counts_.rbegin(), counts_.rend(), [](auto count) { return count != 0; });
  return {counts_.begin(), last.base()};
}

}  // namespace embedd
