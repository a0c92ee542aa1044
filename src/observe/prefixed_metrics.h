/// Metrics under another prefix than embedd_, with the names and labels that the first user's dashboards
/// read. They say nothing that embedd's own metrics do not say.
///
///   PREFIX_embeddings_processed_total{model,status}   status: success, error, skipped
///   PREFIX_embedding_duration_seconds{model}
///   PREFIX_search_requests_total{has_tags}
///   PREFIX_search_duration_seconds
#pragma once

#include <memory>
#include <set>
#include <string>

#include "base/units.h"
#include "core/observer.h"

namespace prometheus {
class Registry;
}

namespace embedd::observe {

/// Of a worker. For one thread.
class PrefixedWorkerMetrics final : public PartialObserver {
 public:
  /// `registry` must outlive this object.
  PrefixedWorkerMetrics(const std::string& prefix, prometheus::Registry& registry);
  ~PrefixedWorkerMetrics() override;

  void request_finished(const Vectorizer& vectorizer, const Reply& reply) override;
  void settled(const Vectorizer& vectorizer, const Settlement& settlement, Outcome outcome,
               std::size_t jobs) override;
  void rescheduled(const Vectorizer& vectorizer, ErrorKind kind, std::size_t jobs, bool charged) override;
  void discarded(const Vectorizer& vectorizer, ErrorKind kind, const std::string& message) override;
  void endpoint_changed(const std::string& endpoint, EndpointState state, const std::string& message,
                        Duration pause) override;
  void polled(const std::vector<VectorizerState>& states) override;

 private:
  struct Families;
  std::unique_ptr<Families> families_;
  std::set<std::string> without_key_;  ///< endpoints
};

/// Of the traces service. Thread-safe.
class PrefixedSearchMetrics {
 public:
  /// `registry` must outlive this object.
  PrefixedSearchMetrics(const std::string& prefix, prometheus::Registry& registry);
  ~PrefixedSearchMetrics();

  void searched(bool has_tags, Duration took);

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace embedd::observe
