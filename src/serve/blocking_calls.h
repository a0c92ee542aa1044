/// Runs calls that block, each on a thread of its own: a bounded number at a time, in all and of each owner,
/// and none waits.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/units.h"
#include "serve/http_server.h"

namespace embedd::serve {

class BlockingCalls {
 public:
  using Call = std::function<HttpReply()>;
  using Done = std::function<void(HttpReply)>;

  struct Limits {
    std::size_t calls = 8, calls_of_one = 4;  ///< at a time: in all, and of one owner
    Duration deadline = seconds(30);
  };
  enum class Started : std::uint8_t { yes, too_many, too_many_of_one };

  explicit BlockingCalls(Limits limits) : limits_(limits) {}
  /// Waits for the calls under way.
  ~BlockingCalls();
  BlockingCalls(const BlockingCalls&) = delete;
  BlockingCalls& operator=(const BlockingCalls&) = delete;

  /// Does nothing if too many calls are under way. Otherwise `done` is called once, on another thread: with
  /// the reply of `call`, or with `late` when the deadline has passed. A call that is late keeps its thread
  /// until it ends. `owner`: whose calls are counted together; none: nobody's. Thread-safe.
  Started run(std::optional<std::size_t> owner, Call call, HttpReply late, Done done);

 private:
  struct Running {
    std::optional<std::size_t> owner;
    Call call;
    HttpReply late;
    Done done;
    Instant deadline;
  };
  using Ptr = std::shared_ptr<Running>;

  void work();
  void watch();
  /// A call of `owner` has ended. The caller holds mutex_.
  void forget(std::optional<std::size_t> owner);
  void finish(const Ptr& running, HttpReply reply);

  const Limits limits_;
  std::mutex mutex_;
  std::condition_variable changed_, watched_;
  std::deque<Ptr> waiting_;                          ///< for a thread, which there is; guarded by mutex_
  std::deque<Ptr> unanswered_;                       ///< the earliest deadline first; guarded by mutex_
  std::size_t under_way_ = 0;                        ///< guarded by mutex_
  std::map<std::size_t, std::size_t> under_way_of_;  ///< by owner, those with a call; guarded by mutex_
  bool stopping_ = false;                            ///< guarded by mutex_
  std::vector<std::thread> threads_;                 ///< guarded by mutex_
  std::thread watch_;                                ///< guarded by mutex_
};

}  // namespace embedd::serve
