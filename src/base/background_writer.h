/// Writes lines to a descriptor on a thread of its own, so that nobody waits for whoever reads them.
///
///   BackgroundWriter writer(STDERR_FILENO, 256 * kKiB, [](std::uint64_t lines) { return …; });
///   writer.write("a line\n");
///   writer.flush(seconds(1));
///
/// What has not been written yet is at most twice `most` bytes: beyond that lines are dropped and counted,
/// and as soon as something can be written again, `notice` says in their place how many they were. What the
/// descriptor refuses (it is closed, nobody can read it any more) is gone, and is not tried again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/units.h"

namespace embedd {

/// Writes all of `text`, for as long as that takes. False if the descriptor refuses it.
bool write_all(int descriptor, std::string_view text);

class BackgroundWriter {
 public:
  using Notice = std::function<std::string(std::uint64_t lines)>;

  /// `notice` makes the line for so many lines that were dropped; it is called on the writer's thread.
  BackgroundWriter(int descriptor, std::size_t most, Notice notice);
  /// What is not written by then may never be: flush() first. Does not wait for a write that hangs.
  ~BackgroundWriter();
  BackgroundWriter(const BackgroundWriter&) = delete;
  BackgroundWriter& operator=(const BackgroundWriter&) = delete;

  // Thread-safe.

  /// Takes one line, its end included. Never waits.
  void write(std::string_view line);
  /// Waits until all is written, for at most so long. True if it is.
  bool flush(Duration at_most);
  /// Lines dropped so far.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;  ///< with the thread, which a hanging write may keep after us
};

}  // namespace embedd
