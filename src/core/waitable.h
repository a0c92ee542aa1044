/// What the loop's wait needs to know of a source of events: its file descriptors and its next deadline.
///
/// The Io that blocks is in src/provider, the sources that it waits for are in src/pg. Both include this
/// file, so that neither includes the other.
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
  /// Appends the descriptors to wait on. Called before each wait, because a reconnect changes the
  /// descriptors.
  virtual void add_interests(std::vector<Interest>& interests) const = 0;
  /// When to look at this source even if no descriptor is ready; nullopt: never.
  [[nodiscard]] virtual std::optional<Instant> wake_at() const = 0;
};

}  // namespace embedd
