/// Whether the worker is alive and ready. The loop's thread writes the facts, the HTTP thread reads them.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>

#include "core/io.h"
#include "core/observer.h"
#include "core/queue.h"

namespace embedd::observe {

class Health final : public PartialObserver {
 public:
  /// The worker is unready if for three polls, and at least 30 seconds, the loop has not turned or the
  /// database has answered no poll. (The loop turns at least once a poll.) `clock` must outlive the Health
  /// and be safe to call from two threads.
  Health(const Clock& clock, Duration poll);

  /// The database has the schema that this binary needs. Thread-safe, as is every method here.
  void schema_is_current() { schema_current_ = true; }
  /// The loop's thread asks `queue`, once a turn; `queue` must outlive the loop.
  void watch(const Queue& queue) { queue_ = &queue; }

  struct Report {
    bool database = false;  ///< connected, and a poll was answered lately
    bool schema = false;
    bool loop = false;                               ///< the loop turned lately
    bool stuck = false;                              ///< the loop has begun, and stands still
    double loop_age_seconds = 0;                     ///< since the loop's last turn
    std::map<std::string, EndpointState> endpoints;  ///< endpoints in use
    [[nodiscard]] bool ready() const { return database && schema && loop; }
    /// Ready, but an endpoint is not: rows wait, and a restart would not help.
    [[nodiscard]] bool degraded() const;
  };
  [[nodiscard]] Report report() const;

  void turned() override;
  void polled(const std::vector<VectorizerState>& states) override;
  void database_error(std::string_view what, const Error& error) override;
  void endpoint_changed(const std::string& endpoint, EndpointState state, const std::string& message,
                        Duration pause) override;

 private:
  using Ticks = Duration::rep;
  [[nodiscard]] Ticks now() const { return clock_.now().time_since_epoch().count(); }

  const Clock& clock_;
  const Duration patience_;
  const Queue* queue_ = nullptr;  ///< used by the loop's thread alone
  std::atomic<bool> schema_current_ = false;
  std::atomic<bool> connected_ = false;
  std::atomic<Ticks> turned_at_ = 0;  ///< 0: never
  std::atomic<Ticks> polled_at_ = 0;  ///< 0: never
  mutable std::mutex mutex_;
  std::map<std::string, EndpointState> endpoints_;  ///< guarded by mutex_
};

}  // namespace embedd::observe
