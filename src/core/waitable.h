/// What one wait needs to know of a source of events: its file descriptors and its next deadline.
///
/// The Io that blocks (src/provider) and the sources it waits for (src/pg) meet here, so that neither
/// includes the other.
#pragma once

#include <optional>
#include <vector>

#include "base/units.h"

namespace embedd {

struct Interest {
  int fd = -1;
  bool read = false;
  bool write = false;
};

/// All calls come from the loop's thread, right before it blocks.
class Waitable {
 public:
  virtual ~Waitable() = default;
  /// Appends the descriptors to wait on. They are asked for anew before each wait: a reconnect changes them.
  virtual void add_interests(std::vector<Interest>& interests) const = 0;
  /// When it must be looked at though none of them is ready; nullopt: never.
  [[nodiscard]] virtual std::optional<Instant> wake_at() const = 0;
};

}  // namespace embedd
