/// Prometheus metrics. The loop's thread writes them, any thread may read them.
///
/// Series are bounded: vectorizers come from the database and leave with it, endpoints and models from
/// configuration and declarations, kinds and states from enums.
#pragma once

#include <memory>
#include <string>

#include "core/embedder.h"
#include "core/job.h"
#include "core/observer.h"
#include "core/prices.h"
#include "core/queue.h"
#include "observe/prefixed_metrics.h"

namespace embedd::observe {

class Metrics final : public PartialObserver {
 public:
  /// `prefix`: of the metrics that prefixed_metrics.h adds; empty: none.
  explicit Metrics(const std::string& prefix = "", Prices prices = {});
  ~Metrics() override;

  /// The Prometheus text format, version 0.0.4. Thread-safe.
  [[nodiscard]] std::string text() const;

  void claimed(const Vectorizer& vectorizer, std::size_t jobs, std::size_t rescued) override;
  void request_started(const Vectorizer& vectorizer, std::size_t inputs, std::size_t tokens) override;
  void request_finished(const Vectorizer& vectorizer, const Reply& reply) override;
  void settled(const Vectorizer& vectorizer, const Settlement& settlement, Outcome outcome,
               std::size_t jobs) override;
  void rescheduled(const Vectorizer& vectorizer, ErrorKind kind, std::size_t jobs, bool charged) override;
  void discarded(const Vectorizer& vectorizer, ErrorKind kind, const std::string& message) override;
  void truncated(const Vectorizer& vectorizer, std::size_t tokens) override;
  void cut_silently(const Vectorizer& vectorizer, std::size_t tokens, std::size_t most) override;
  void equal_vectors(const Vectorizer& vectorizer, std::size_t texts, bool refused) override;
  void braked(const Vectorizer& vectorizer, std::size_t jobs, const std::string& why) override;
  void unbooked(const Unbooked& entry) override;
  void abandoned(const Vectorizer& vectorizer, std::size_t inputs, Duration silence) override;
  void paced(const std::string& endpoint, std::uint32_t requests, double inputs_per_second) override;
  void endpoint_changed(const std::string& endpoint, EndpointState state, const std::string& message,
                        Duration pause) override;
  void fresh(const Vectorizer& vectorizer, Duration freshness) override;
  void budget_changed(const BudgetNews& news) override;
  void polled(const std::vector<VectorizerState>& states) override;
  void walked(const Vectorizer& vectorizer, const WalkPage::Progress& progress) override;
  void database_error(std::string_view what, const Error& error) override;
  void in_flight(std::size_t requests, std::size_t leases, std::size_t held_bytes) override;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
  const Prices prices_;
  std::unique_ptr<PrefixedWorkerMetrics> prefixed_;  ///< may be null
};

}  // namespace embedd::observe
