/// A clock that stands still until the test moves it.
#pragma once

#include "core/io.h"

namespace embedd::test {

class ManualClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override { return now_; }
  void tick(Duration by) { now_ += by; }
  void go_to(Instant to) { now_ = to; }

 private:
  Instant now_ = Instant(seconds(1'000'000));
};

}  // namespace embedd::test
