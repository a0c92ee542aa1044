/// Runs calls that block, each on a thread of its own: a bounded number at a time, and none waits.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/units.h"
#include "serve/http_server.h"

namespace embedd::serve {

class BlockingCalls {
 public:
  using Call = std::function<HttpReply()>;
  using Done = std::function<void(HttpReply)>;

  BlockingCalls(std::size_t most, Duration deadline) : most_(most), deadline_(deadline) {}
  /// Waits for the calls under way.
  ~BlockingCalls();
  BlockingCalls(const BlockingCalls&) = delete;
  BlockingCalls& operator=(const BlockingCalls&) = delete;

  /// Returns false, and does nothing, if `most` calls are under way. Otherwise `done` is called once, on
  /// another thread: with the reply of `call`, or with `late` when the deadline has passed. A call that is
  /// late keeps its thread until it ends. Thread-safe.
  bool run(Call call, HttpReply late, Done done);

 private:
  struct Running {
    Call call;
    HttpReply late;
    Done done;
    Instant deadline;
  };
  using Ptr = std::shared_ptr<Running>;

  void work();
  void watch();
  void finish(const Ptr& running, HttpReply reply);

  const std::size_t most_;
  const Duration deadline_;
  std::mutex mutex_;
  std::condition_variable changed_, watched_;
  std::deque<Ptr> waiting_;           ///< for a thread, which there is; guarded by mutex_
  std::deque<Ptr> unanswered_;        ///< the earliest deadline first; guarded by mutex_
  std::size_t under_way_ = 0;         ///< guarded by mutex_
  bool stopping_ = false;             ///< guarded by mutex_
  std::vector<std::thread> threads_;  ///< guarded by mutex_
  std::thread watch_;                 ///< guarded by mutex_
};

}  // namespace embedd::serve
