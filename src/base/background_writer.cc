#include "base/background_writer.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "base/threads.h"

namespace embedd {

bool write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(descriptor, text.data(), text.size());
    if (wrote >= 0) {
      text.remove_prefix(static_cast<std::size_t>(wrote));
    } else if (errno == EAGAIN) {  // another process that shares the descriptor made it nonblocking
      pollfd writable{descriptor, POLLOUT, 0};
      poll(&writable, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

struct BackgroundWriter::Shared {
  Shared(int fd, std::size_t most_bytes, Notice notice_of)
      : descriptor(fd), most(most_bytes), notice(std::move(notice_of)) {}

  void run();

  const int descriptor;
  const std::size_t most;
  const Notice notice;

  std::mutex mutex;
  std::condition_variable changed;
  // Guarded by mutex.
  std::string waiting;
  bool writing = false;
  bool stopped = false;
  /// Lines dropped since `waiting` was last taken; all came after the lines in `waiting`.
  std::uint64_t dropped_since = 0;
  std::uint64_t dropped = 0;
};

void BackgroundWriter::Shared::run() {
  std::unique_lock lock(mutex);
  while (true) {
    changed.wait(lock, [&] { return stopped || !waiting.empty() || dropped_since > 0; });
    if (stopped) return;
    std::string text = std::exchange(waiting, {});
    const std::uint64_t missing = std::exchange(dropped_since, 0);
    writing = true;
    lock.unlock();
    write_all(descriptor, text);
    if (missing > 0) write_all(descriptor, notice(missing));
    lock.lock();
    writing = false;
    changed.notify_all();
  }
}

BackgroundWriter::BackgroundWriter(int descriptor, std::size_t most, Notice notice)
    : shared_(std::make_shared<Shared>(descriptor, most, std::move(notice))) {
  // Detached: a write that hangs must not delay the end of the process.
  start_thread([shared = shared_] { shared->run(); }).detach();
}

BackgroundWriter::~BackgroundWriter() {
  const std::lock_guard lock(shared_->mutex);
  shared_->stopped = true;
  shared_->changed.notify_all();
}

void BackgroundWriter::write(std::string_view line) {
  const std::lock_guard lock(shared_->mutex);
  // After one line is dropped, later lines are dropped too until there is room: so the notice stands in their
  // place.
  if (shared_->dropped_since > 0 || shared_->waiting.size() + line.size() > shared_->most) {
    ++shared_->dropped_since;
    ++shared_->dropped;
  } else {
    shared_->waiting.append(line);
  }
  shared_->changed.notify_all();
}

bool BackgroundWriter::flush(Duration at_most) {
  std::unique_lock lock(shared_->mutex);
  return shared_->changed.wait_for(lock, at_most, [&] {
    return shared_->waiting.empty() && shared_->dropped_since == 0 && !shared_->writing;
  });
}

std::uint64_t BackgroundWriter::dropped() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->dropped;
}

}  // namespace embedd
