/// SIGTERM and SIGINT as a stop token: the first asks to drain, the second to give up what is in flight.
#pragma once

#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace embedd::cli {

/// Make it before any other thread, so that all of them leave the two signals to it. Handles them on a thread
/// of its own, where anything may be called.
class StopSignals {
 public:
  StopSignals();
  /// Joins the thread; the signals stay blocked.
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  /// What the second and further signals do; nothing, unless it is said.
  void on_second(std::function<void(int signal)> action);

 private:
  void watch();
  void handle(int signal);

  std::stop_source source_;
  std::mutex mutex_;
  std::function<void(int)> second_;  ///< guarded by mutex_
  int signals_ = -1;                 ///< signalfd
  int quit_ = -1;                    ///< eventfd
  std::thread thread_;
};

}  // namespace embedd::cli
