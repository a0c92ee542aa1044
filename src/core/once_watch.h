/// Whether a worker that runs once is done: a poll found nothing to do, and nothing has changed since that
/// poll was sent. Rows that will be due soon are waited for, within bounds.
///
/// Invariant: only the last answered poll makes the worker done, and only if no progress was made between its
/// question and its answer.
#pragma once

#include <cstdint>
#include <optional>

#include "base/units.h"

namespace embedd {

class OnceWatch {
 public:
  /// The queue changed, as far as this worker changed the queue or saw a change.
  void progress() { ++progress_; }
  void poll_sent() { at_poll_ = progress_; }
  /// A poll was answered. `idle`: the poll lists nothing that can be worked on, and this worker has no leased
  /// job. `soon`: it lists rows that will be due soon.
  void poll_answered(bool idle, bool soon, Instant now) {
    if (!soon) soon_since_.reset();
    if (soon && !soon_since_) soon_since_ = now;
    const bool waits = soon_since_ && now - *soon_since_ < kLongestWait;
    done_ = idle && !changed() && !waits;
  }

  /// Since the last poll was sent.
  [[nodiscard]] bool changed() const { return progress_ != at_poll_; }
  [[nodiscard]] bool done() const { return done_; }

 private:
  /// A row of a store is looked at again 15 s after its last chunk was asked for.
  static constexpr Duration kLongestWait = seconds(20);

  std::uint64_t progress_ = 0;
  std::uint64_t at_poll_ = 0;
  std::optional<Instant> soon_since_;  ///< since when each poll has listed such rows
  bool done_ = false;
};

}  // namespace embedd
