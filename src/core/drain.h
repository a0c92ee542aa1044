/// A worker's stop: the worker claims no more, waits a while for the answers to its requests, then cancels
/// the requests.
///
/// Invariant: requests are canceled at most once, and only after the drain has begun. A drain that has begun
/// never ends.
#pragma once

#include <atomic>

#include "base/units.h"

namespace embedd {

class Drain {
 public:
  /// Begins to wait for answers, until `longest` from now. True at the first call.
  bool begin(Duration longest, Instant now);
  /// Stops waiting for answers. Thread-safe; may be called before the drain begins.
  void hurry() { hurried_ = true; }
  /// True once, when it is time to cancel the requests.
  bool cancels(Instant now);

  [[nodiscard]] bool begun() const { return begun_; }
  /// True if even canceled jobs could not be settled, because the database is gone: their leases lapse.
  [[nodiscard]] bool gives_up(Instant now) const { return canceled_ && now >= next(); }
  /// When the drain takes its next step by itself.
  [[nodiscard]] Instant next() const { return canceled_ ? until_ + kLastWords : until_; }

 private:
  /// How long after the cancellation a worker that cannot settle leaves.
  static constexpr Duration kLastWords = seconds(5);

  bool begun_ = false;
  bool canceled_ = false;
  std::atomic<bool> hurried_ = false;
  Instant until_{};  ///< end of the wait for answers; then, when the requests were canceled
};

}  // namespace embedd
