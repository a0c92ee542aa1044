#include "observe/prefixed_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

namespace embedd::observe {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Histogram;

struct PrefixedWorkerMetrics::Families {
  Family<Counter>& processed;
  Family<Histogram>& seconds;

  void count(const std::string& model, const char* status, std::size_t by) {
    processed.Add({{"model", model}, {"status", status}}).Increment(static_cast<double>(by));
  }
};

PrefixedWorkerMetrics::PrefixedWorkerMetrics(const std::string& prefix, prometheus::Registry& registry)
    : families_(new Families{prometheus::BuildCounter()
                                 .Name(prefix + "_embeddings_processed_total")
                                 .Help("Embeddings stored, failed, or left for want of a key, by model")
                                 .Register(registry),
                             prometheus::BuildHistogram()
                                 .Name(prefix + "_embedding_duration_seconds")
                                 .Help("Time of a provider request, by model")
                                 .Register(registry)}) {}

PrefixedWorkerMetrics::~PrefixedWorkerMetrics() = default;

void PrefixedWorkerMetrics::request_finished(const Vectorizer& vectorizer, const Reply& reply) {
  families_->seconds.Add({{"model", vectorizer.model}}, Histogram::BucketBoundaries{0.1, 0.5, 1, 2, 5, 10})
      .Observe(to_seconds(reply.took));
}

void PrefixedWorkerMetrics::settled(const Vectorizer& vectorizer, const Settlement& settlement,
                                    Outcome outcome, std::size_t jobs) {
  if (has_vectors(settlement.action) && outcome == Outcome::done)
    families_->count(vectorizer.model, "success", jobs);
}

void PrefixedWorkerMetrics::rescheduled(const Vectorizer& vectorizer, ErrorKind, std::size_t jobs, bool) {
  families_->count(vectorizer.model, "error", jobs);
}

void PrefixedWorkerMetrics::discarded(const Vectorizer& vectorizer, ErrorKind, const std::string&) {
  families_->count(vectorizer.model, "error", 1);
}

void PrefixedWorkerMetrics::endpoint_changed(const std::string& endpoint, EndpointState state,
                                             const std::string&, Duration) {
  if (state == EndpointState::no_api_key)
    without_key_.insert(endpoint);
  else
    without_key_.erase(endpoint);
}

/// Once a poll in which rows wait for a key.
void PrefixedWorkerMetrics::polled(const std::vector<VectorizerState>& states) {
  for (const VectorizerState& state : states)
    if (state.waiting && without_key_.contains(state.vectorizer.endpoint))
      return families_->count("none", "skipped", 1);
}

struct PrefixedSearchMetrics::Families {
  Family<Counter>& requests;
  Family<Histogram>& seconds;
};

PrefixedSearchMetrics::PrefixedSearchMetrics(const std::string& prefix, prometheus::Registry& registry)
    : families_(new Families{prometheus::BuildCounter()
                                 .Name(prefix + "_search_requests_total")
                                 .Help("Searches of traces, by whether they name tags")
                                 .Register(registry),
                             prometheus::BuildHistogram()
                                 .Name(prefix + "_search_duration_seconds")
                                 .Help("Time of a search of traces")
                                 .Register(registry)}) {}

PrefixedSearchMetrics::~PrefixedSearchMetrics() = default;

void PrefixedSearchMetrics::searched(bool has_tags, Duration took) {
  families_->requests.Add({{"has_tags", has_tags ? "true" : "false"}}).Increment();
  families_->seconds.Add({}, Histogram::BucketBoundaries{0.01, 0.05, 0.1, 0.25, 0.5, 1, 2})
      .Observe(to_seconds(took));
}

}  // namespace embedd::observe
