#include "core/trust.h"

#include "base/check.h"

namespace embedd {

void Trust::accepted() {
  accepted_before_ = true;
  failed_alone_ = 0;
  settle_doubt();
}

void Trust::doubt() {
  if (canary_ == Canary::none) canary_ = Canary::wanted;
  if (canary_ == Canary::moot) canary_ = Canary::decides;
}

void Trust::settle_doubt() {
  if (canary_ == Canary::wanted) canary_ = Canary::none;
  if (canary_ == Canary::decides) canary_ = Canary::moot;
}

void Trust::canary_sent() {
  CHECK(canary_ == Canary::wanted, "a canary that nobody wants: {}", static_cast<int>(canary_));
  canary_ = Canary::decides;
}

bool Trust::canary_answered() {
  const bool decides = canary_ == Canary::decides;
  canary_ = decides ? Canary::wanted : Canary::none;
  return decides;
}

}  // namespace embedd
