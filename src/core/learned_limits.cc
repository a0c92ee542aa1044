#include "core/learned_limits.h"

namespace embedd {

LimitsMemory::Step LimitsMemory::polled(const LearnedLimits& ours,
                                        const std::optional<LearnedLimits>& remembered) {
  const bool was_there = seen_;
  seen_ = remembered.has_value();
  if (!remembered && was_there) {
    agreed_ = {};
    return Step::forget;
  }
  if (ours != agreed_) {
    agreed_ = ours;
    return Step::write;
  }
  if (remembered) return *remembered == ours ? Step::none : Step::adopt;
  return ours == LearnedLimits{} ? Step::none : Step::write;  // it got lost on its way
}

}  // namespace embedd
