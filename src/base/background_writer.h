/// Writes lines to a descriptor on a thread of its own, so that no caller waits for the reader of the lines.
///
///   BackgroundWriter writer(STDERR_FILENO, 256 * kKiB, [](std::uint64_t lines) { return …; });
///   writer.write("a line\n");
///   writer.flush(seconds(1));
///
/// At most twice `most` bytes wait to be written; further lines are dropped and counted. As soon as the
/// writer can write again, it writes the line of `notice` in their place, which says how many were dropped.
/// If the descriptor refuses a write (it is closed, or has no reader any more), the text is lost and not
/// tried again.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/units.h"

namespace embedd {

/// Writes all of `text`, however long that takes. False if the descriptor refuses.
bool write_all(int descriptor, std::string_view text);

class BackgroundWriter {
 public:
  using Notice = std::function<std::string(std::uint64_t lines)>;

  /// `notice` makes the line that reports this many dropped lines. The writer's thread calls it.
  BackgroundWriter(int descriptor, std::size_t most, Notice notice);
  /// Drops what is not written yet, so call flush() first. Does not wait for a write that hangs.
  ~BackgroundWriter();
  BackgroundWriter(const BackgroundWriter&) = delete;
  BackgroundWriter& operator=(const BackgroundWriter&) = delete;

  // Thread-safe.

  /// Takes one line, its end included. Never waits.
  void write(std::string_view line);
  /// Waits until all lines are written, at most `at_most`. True if they are.
  bool flush(Duration at_most);
  /// Lines dropped so far.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  struct Shared;
  /// Shared with the thread, which may outlive this object if a write hangs.
  std::shared_ptr<Shared> shared_;
};

}  // namespace embedd
