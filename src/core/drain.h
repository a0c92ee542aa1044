/// A worker's stop: it claims no more, waits a while for the answers to its requests, then cancels them.
///
/// Invariant: requests are canceled at most once, and only after the drain has begun. What began never ends.
#pragma once

#include <atomic>

#include "base/units.h"

namespace embedd {

class Drain {
 public:
  /// Answers are waited for until `longest` from now. True at the first call.
  bool begin(Duration longest, Instant now);
  /// Do not wait for answers any more. Thread-safe, and may come before the drain begins.
  void hurry() { hurried_ = true; }
  /// It is time to cancel the requests: true once.
  bool cancels(Instant now);

  [[nodiscard]] bool begun() const { return begun_; }
  /// Even what was canceled could not be settled, since the database is gone: its leases lapse.
  [[nodiscard]] bool gives_up(Instant now) const { return canceled_ && now >= next(); }
  /// When it takes its next step by itself.
  [[nodiscard]] Instant next() const { return canceled_ ? until_ + kLastWords : until_; }

 private:
  /// A stopping worker that cannot settle leaves after this.
  static constexpr Duration kLastWords = seconds(5);

  bool begun_ = false;
  bool canceled_ = false;
  std::atomic<bool> hurried_ = false;
  Instant until_{};  ///< answers are waited for; since when requests are canceled
};

}  // namespace embedd
