/// Where the worker waits: one wait for HTTP transfers, the database's sockets, timers and wake().
///
///   Loop loop;
///   loop.add(queue);                       // any Waitable, for as long as it lives
///   OpenAiEmbedder embedder(loop, config);
///   loop.wait_until(deadline);             // moves bytes; the ports' take_* then hand over what finished
///
/// Everything but wake() belongs to one thread. The Loop must outlive all sources and transfers that were
/// added to it.
#pragma once

#include <vector>

#include "core/io.h"
#include "core/waitable.h"

namespace embedd::provider {

/// The owner of a transfer. Must live until finished() was called or Loop::abort() returned.
class Transfer {
 public:
  virtual ~Transfer() = default;
  /// The transfer ended with this CURLcode, and its easy handle is no longer in the loop. May start other
  /// transfers.
  virtual void finished(int curl_code) = 0;
};

class Loop final : public Io {
 public:
  /// Initialises libcurl and ignores SIGPIPE, which a closed connection would raise. Throws if the system has
  /// no file descriptors left.
  Loop();
  ~Loop() override;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// From now on waits for `source` too, until remove().
  void add(const Waitable& source);
  void remove(const Waitable& source);

  /// Runs a transfer. `easy` is a CURL* with its options set; the caller keeps ownership.
  void start(void* easy, Transfer& transfer);
  /// Removes a transfer that has not finished; finished() is not called.
  void abort(void* easy);

  /// Returns when a transfer has finished, when a source's descriptor is ready or its time has come, at
  /// `deadline`, or after wake(). Does not return for bytes of unfinished transfers.
  void wait_until(Instant deadline) override;
  /// Async-signal-safe. A wake() while no thread waits ends the next wait.
  void wake() override;

 private:
  bool drive();
  Instant next_wake(Instant deadline) const;

  void* multi_;  ///< CURLM*
  int wake_fd_;  ///< eventfd
  std::vector<const Waitable*> sources_;
  std::vector<Interest> interests_;  ///< of the current wait; a member, so that its memory is reused
};

/// The machine's monotonic clock.
class SteadyClock final : public Clock {
 public:
  [[nodiscard]] Instant now() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace embedd::provider
