#include "core/learned_limits.h"

#include <utility>

namespace embedd {
namespace {

void copy_text_limit(const LearnedLimits& from, LearnedLimits& to) {
  to.text_tokens = from.text_tokens;
  to.counted = from.counted;
}

bool same_text_limit(const LearnedLimits& a, const LearnedLimits& b) {
  return a.text_tokens == b.text_tokens && a.counted == b.counted;
}

/// `theirs`, with the fields that have changed here since `base`.
LearnedLimits merge(const LearnedLimits& base, const LearnedLimits& ours, LearnedLimits theirs) {
  if (ours.inputs != base.inputs) theirs.inputs = ours.inputs;
  if (!same_text_limit(ours, base)) copy_text_limit(ours, theirs);
  if (ours.left_out.encoding_format != base.left_out.encoding_format)
    theirs.left_out.encoding_format = ours.left_out.encoding_format;
  if (ours.left_out.dimensions != base.left_out.dimensions)
    theirs.left_out.dimensions = ours.left_out.dimensions;
  return theirs;
}

}  // namespace

LimitsMemory::Decision LimitsMemory::polled(const LearnedLimits& ours,
                                            const std::optional<LearnedLimits>& remembered, bool exact) {
  const bool was_there = std::exchange(seen_, remembered.has_value());
  if (!remembered) {
    taken_.reset();
    if (was_there) {
      agreed_ = {};
      return {Step::forget, {}};
    }
    agreed_ = ours;  // the record may have got lost on its way
    return {ours == LearnedLimits{} ? Step::none : Step::write, ours};
  }
  if (ours != agreed_) {
    taken_.reset();
    return {Step::write, merge(std::exchange(agreed_, ours), ours, *remembered)};
  }
  LearnedLimits usable = *remembered;
  if (usable.text_tokens > 0 && usable.counted != exact) copy_text_limit(ours, usable);
  if (usable == ours || remembered == taken_) return {};
  taken_ = remembered;
  return {Step::adopt, usable};
}

}  // namespace embedd
