/// Where the worker waits: one wait for HTTP transfers, the database's sockets, timers and wake().
///
///   Loop loop;
///   loop.add(queue);                       // any Waitable, for as long as it lives
///   OpenAiEmbedder embedder(loop, config);
///   loop.wait_until(deadline);             // moves bytes; the ports' take_* then hand over what finished
///
/// Everything but wake() belongs to one thread. The Loop must outlive whatever was added to it.
#pragma once

#include <vector>

#include "core/io.h"
#include "core/waitable.h"

namespace embedd::provider {

/// A transfer's owner. Lives until finished() was called or Loop::abort() returned.
class Transfer {
 public:
  virtual ~Transfer() = default;
  /// The transfer ended with this CURLcode; its easy handle is out of the loop. May start others.
  virtual void finished(int curl_code) = 0;
};

class Loop final : public Io {
 public:
  /// Initialises libcurl and ignores SIGPIPE, which a peer's hang-up would raise. Throws when the system has
  /// no descriptors left.
  Loop();
  ~Loop() override;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Waits for `source` too, until it is removed.
  void add(const Waitable& source);
  void remove(const Waitable& source);

  /// Runs a transfer; `easy` is a CURL* whose options are set, and stays the caller's.
  void start(void* easy, Transfer& transfer);
  /// Takes a transfer out before it has finished; `finished` is not called.
  void abort(void* easy);

  /// Returns when a transfer finished, a source's descriptor is ready or its time has come, at `deadline`, or
  /// after wake(). Bytes of unfinished transfers alone do not make it return.
  void wait_until(Instant deadline) override;
  /// Async-signal-safe. Not lost when it comes while nobody waits.
  void wake() override;

 private:
  bool drive();
  Instant next_wake(Instant deadline) const;

  void* multi_;  ///< CURLM*
  int wake_fd_;  ///< eventfd
  std::vector<const Waitable*> sources_;
  std::vector<Interest> interests_;  ///< of the current wait; a member to keep its memory
};

/// The machine's monotonic clock.
class SteadyClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace embedd::provider
