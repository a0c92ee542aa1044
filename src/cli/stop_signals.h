/// SIGTERM and SIGINT as a stop token: the first signal asks for a drain, the second gives up requests in
/// flight.
#pragma once

#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

namespace embedd::cli {

/// Create this object before any other thread, so that all threads block both signals. It handles the signals
/// on a thread of its own, where any function may be called.
class StopSignals {
 public:
  StopSignals();
  /// Joins the thread; the signals stay blocked.
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  /// Sets what the second and further signals do; by default they do nothing.
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
