#include "core/vain_purchases.h"

#include <algorithm>

namespace embedd {

namespace {

/// A vectorizer rests when this many answers in a row were thrown away. Fewer may be texts that somebody
/// changed behind the triggers, all at once.
constexpr std::size_t kThrownAway = 64;

}  // namespace

bool VainPurchases::thrown_away(std::size_t answers, bool others_stored) {
  thrown_away_ = others_stored ? 0 : thrown_away_ + answers;
  return thrown_away_ >= kThrownAway;
}

void VainPurchases::brake(Instant until) {
  braked_until_ = std::max(braked_until_, until);
  braked_because_ = "its rows are bought again and again: " + explain(reason_);
}

}  // namespace embedd
