/// Whether a worker that runs once is done: a poll found nothing to do, and nothing has changed since the
/// poll was asked.
///
/// Invariant: done only by the last poll that was answered, and only if no progress was made between its
/// question and its answer.
#pragma once

#include <cstdint>

namespace embedd {

class OnceWatch {
 public:
  /// The queue changed, as far as this worker made or saw it.
  void progress() { ++progress_; }
  void poll_sent() { at_poll_ = progress_; }
  /// The poll's answer was looked at. `idle`: it lists nothing that can be worked on, and nothing is held
  /// here.
  void poll_answered(bool idle) { done_ = idle && !changed(); }

  /// Since the last poll was sent.
  [[nodiscard]] bool changed() const { return progress_ != at_poll_; }
  [[nodiscard]] bool done() const { return done_; }

 private:
  std::uint64_t progress_ = 0;
  std::uint64_t at_poll_ = 0;
  bool done_ = false;
};

}  // namespace embedd
