/// The ports through which the worker learns the time and waits.
#pragma once

#include "base/units.h"

namespace embedd {

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual Instant now() const = 0;
};

class Io {
 public:
  virtual ~Io() = default;
  /// Returns when something may have finished, at `deadline`, or after wake(). The worker waits nowhere else.
  virtual void wait_until(Instant deadline) = 0;
  /// Thread-safe and async-signal-safe.
  virtual void wake() = 0;
};

}  // namespace embedd
