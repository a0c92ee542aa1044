/// Whether a worker that runs once is done: a poll found nothing to do, and nothing has changed since that
/// poll was sent.
///
/// Invariant: only the last answered poll makes the worker done, and only if no progress was made between its
/// question and its answer.
#pragma once

#include <cstdint>

namespace embedd {

class OnceWatch {
 public:
  /// The queue changed, as far as this worker changed the queue or saw a change.
  void progress() { ++progress_; }
  void poll_sent() { at_poll_ = progress_; }
  /// A poll was answered. `idle`: the poll lists nothing that can be worked on, and this worker has no leased
  /// job.
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
