#include "observe/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/log.h"
#include "base/version.h"

namespace embedd::observe {

namespace {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;
using prometheus::MetricFamily;

using Buckets = Histogram::BucketBoundaries;

Buckets seconds_buckets() { return {0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60}; }
Buckets rows_buckets() { return {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048}; }
Buckets tokens_buckets() { return {16, 64, 256, 1024, 4096, 16'384, 65'536, 131'072, 262'144, 524'288}; }

constexpr EndpointState kEndpointStates[] = {EndpointState::ready,           EndpointState::slowed,
                                             EndpointState::paused,          EndpointState::no_api_key,
                                             EndpointState::unauthenticated, EndpointState::quota_exhausted,
                                             EndpointState::undefined};

/// The log counts dropped lines itself, because it runs before there are metrics.
MetricFamily log_dropped() {
  MetricFamily family{.name = "embedd_log_dropped_total",
                      .help = "Log lines dropped because nobody read them",
                      .type = prometheus::MetricType::Counter};
  family.metric.emplace_back().counter.value = static_cast<double>(log::dropped());
  return family;
}

void count(Counter& counter, std::size_t by) { counter.Increment(static_cast<double>(by)); }

}  // namespace

struct Metrics::Families {
  prometheus::Registry registry;

  template <typename Build>
  auto& make(Build build, const char* name, const char* help) {
    return build().Name(name).Help(help).Register(registry);
  }
  Family<Counter>& counter(const char* name, const char* help) {
    return make(prometheus::BuildCounter, name, help);
  }
  Family<Gauge>& gauge(const char* name, const char* help) {
    return make(prometheus::BuildGauge, name, help);
  }
  Family<Histogram>& histogram(const char* name, const char* help) {
    return make(prometheus::BuildHistogram, name, help);
  }

  Family<Gauge>& build = gauge("embedd_build_info", "Constant 1; the version is a label");
  Family<Gauge>& queue_jobs =
      gauge("embedd_queue_jobs", "Jobs of a vectorizer, by state; an estimate where there are many");
  Family<Gauge>& oldest_age =
      gauge("embedd_oldest_job_age_seconds", "How long the oldest due job has been due; 0 if none is");
  Gauge& requests = gauge("embedd_in_flight_requests", "Provider requests in flight").Add({});
  Gauge& leases = gauge("embedd_leases", "Jobs under lease here").Add({});
  Gauge& held = gauge("embedd_held_bytes", "Memory counted for jobs, requests and answers").Add({});
  Family<Counter>& rows =
      counter("embedd_rows_embedded_total", "Rows whose vector was stored, by vectorizer");
  Family<Counter>& attempts_failed =
      counter("embedd_attempts_failed_total", "Attempts consumed by a row's own fault, by kind");
  Family<Counter>& rescheduled = counter("embedd_rescheduled_total", "Jobs put back into the queue, by kind");
  Family<Counter>& rate_limited =
      counter("embedd_rate_limited_total", "Answers that said 'too fast', by endpoint");
  Counter& rescued = counter("embedd_leases_rescued_total", "Jobs taken over from a lapsed lease").Add({});
  Counter& stale =
      counter("embedd_stale_discarded_total", "Vectors not stored: the text had changed").Add({});
  Counter& kept =
      counter("embedd_vectors_kept_total", "Vectors kept in the queue because a user had locked the row")
          .Add({});
  Family<Counter>& dead_letters = counter("embedd_dead_letters_total", "Jobs moved to dead letters, by kind");
  Family<Counter>& braked = counter(
      "embedd_braked_total", "Jobs given back unbought, since their rows were bought too often of late");
  Counter& unbooked =
      counter("embedd_usage_unbooked_total", "Entries of embedd.usage that the database refused, each time")
          .Add({});
  Family<Counter>& disbelieved =
      counter("embedd_usage_disbelieved_total",
              "Answers that said to cost more tokens than their request can have, by endpoint");
  Counter& truncated = counter("embedd_truncated_total", "Texts cut to what the model takes").Add({});
  Family<Gauge>& cuts_at =
      gauge("embedd_endpoint_cuts_at_tokens",
            "Tokens of a text behind which a server is found to leave out the rest, and to say nothing");
  Family<Counter>& equal_vectors =
      counter("embedd_equal_vectors_total",
              "Texts that got the vector of a different one, by endpoint and by what became of it");
  Family<Counter>& abandoned = counter("embedd_inputs_abandoned_total",
                                       "Inputs of requests given up for want of an answer, by endpoint");
  Family<Gauge>& concurrency =
      gauge("embedd_endpoint_concurrency", "Requests in flight that an endpoint is found to be worth");
  Family<Gauge>& pace = gauge("embedd_endpoint_inputs_per_second",
                              "Inputs a second that an endpoint computes while it is busy");
  Family<Counter>& provider_errors =
      counter("embedd_provider_errors_total", "Requests that failed, by endpoint and kind");
  Family<Histogram>& request_seconds =
      histogram("embedd_provider_request_seconds", "Time of a provider request, by endpoint");
  Family<Histogram>& freshness =
      histogram("embedd_freshness_seconds", "From a text's change to its stored vector");
  Histogram& batch_rows = histogram("embedd_batch_rows", "Inputs of a request").Add({}, rows_buckets());
  Histogram& batch_tokens = histogram("embedd_batch_tokens", "Tokens of a request, counted before it is sent")
                                .Add({}, tokens_buckets());
  Family<Counter>& tokens = counter("embedd_tokens_total", "Tokens billed, by model");
  Family<Counter>& cost =
      counter("embedd_cost_usd_total",
              "Tokens billed at their price, by model; none of a model without a known price");
  Family<Counter>& unpriced =
      counter("embedd_unpriced_tokens_total", "Tokens billed of a model whose price is not known, by model");
  Family<Gauge>& budget_spent =
      gauge("embedd_budget_spent", "1 while the budget of a vectorizer or an endpoint lets it wait, else 0");
  Family<Gauge>& endpoint_state =
      gauge("embedd_endpoint_state", "1 for the state that an endpoint is in, else 0");
  Family<Counter>& database_errors = counter("embedd_database_errors_total", "Failed statements, by kind");
  Counter& walked = counter("embedd_walked_rows_total", "Source rows that walks read").Add({});
  Counter& walks_put_off =
      counter("embedd_walks_put_off_total", "Walks that were spared, since nothing had happened to the table")
          .Add({});
  Counter& walk_replaced =
      counter("embedd_walk_replaced_total", "Rows in which a walk found a vector of somebody else's").Add({});
  Counter& walk_enqueued =
      counter("embedd_walk_enqueued_total", "Rows that a walk found missing or not current").Add({});

  /// Drops the series of vectorizers that no longer exist.
  void forget(const std::set<std::string>& names) {
    for (const std::string& gone : known) {
      if (names.contains(gone)) continue;
      queue_jobs.Remove(&queue_jobs.Add({{"vectorizer", gone}, {"state", "queued"}}));
      queue_jobs.Remove(&queue_jobs.Add({{"vectorizer", gone}, {"state", "dead"}}));
      oldest_age.Remove(&oldest_age.Add({{"vectorizer", gone}}));
      rows.Remove(&rows.Add({{"vectorizer", gone}}));
      braked.Remove(&braked.Add({{"vectorizer", gone}}));
      budget_spent.Remove(&budget_spent.Add({{"vectorizer", gone}}));
    }
    known = names;
  }
  std::set<std::string> known;
};

Metrics::Metrics(const std::string& prefix, Prices prices)
    : families_(std::make_unique<Families>()), prices_(std::move(prices)) {
  if (!prefix.empty()) prefixed_ = std::make_unique<PrefixedWorkerMetrics>(prefix, families_->registry);
  families_->build.Add({{"version", std::string(version())}}).Set(1);
}

Metrics::~Metrics() = default;

std::string Metrics::text() const {
  std::vector<MetricFamily> all = families_->registry.Collect();
  all.push_back(log_dropped());
  return prometheus::TextSerializer().Serialize(all);
}

void Metrics::claimed(const Vectorizer&, std::size_t, std::size_t rescued) {
  if (rescued > 0) count(families_->rescued, rescued);
}

void Metrics::request_started(const Vectorizer&, std::size_t inputs, std::size_t tokens) {
  families_->batch_rows.Observe(static_cast<double>(inputs));
  families_->batch_tokens.Observe(static_cast<double>(tokens));
}

void Metrics::request_finished(const Vectorizer& vectorizer, const Reply& reply) {
  if (prefixed_) prefixed_->request_finished(vectorizer, reply);
  Families& to = *families_;
  to.request_seconds.Add({{"endpoint", vectorizer.endpoint}}, seconds_buckets())
      .Observe(to_seconds(reply.took));
  if (reply.answer) {
    const std::uint64_t tokens = reply.answer->tokens;
    if (reply.answer->claimed > 0) to.disbelieved.Add({{"endpoint", vectorizer.endpoint}}).Increment();
    to.tokens.Add({{"model", vectorizer.model}}).Increment(static_cast<double>(tokens));
    if (const auto usd = prices_.usd_of(vectorizer.endpoint, vectorizer.model, tokens))
      to.cost.Add({{"model", vectorizer.model}}).Increment(*usd);
    else
      to.unpriced.Add({{"model", vectorizer.model}}).Increment(static_cast<double>(tokens));
    return;
  }
  const ErrorKind kind = reply.answer.error().kind;
  to.provider_errors.Add({{"endpoint", vectorizer.endpoint}, {"kind", std::string(name_of(kind))}})
      .Increment();
  if (kind == ErrorKind::rate_limited) to.rate_limited.Add({{"endpoint", vectorizer.endpoint}}).Increment();
}

void Metrics::settled(const Vectorizer& vectorizer, const Settlement& settlement, Outcome outcome,
                      std::size_t jobs) {
  if (prefixed_) prefixed_->settled(vectorizer, settlement, outcome, jobs);
  if (!has_vectors(settlement.action)) return;
  if (outcome == Outcome::done) count(families_->rows.Add({{"vectorizer", vectorizer.name}}), jobs);
  if (outcome == Outcome::kept) count(families_->kept, jobs);
  if (outcome == Outcome::stale || outcome == Outcome::gone) count(families_->stale, jobs);
}

void Metrics::fresh(const Vectorizer& vectorizer, Duration freshness) {
  families_->freshness.Add({{"vectorizer", vectorizer.name}}, seconds_buckets())
      .Observe(to_seconds(freshness));
}

void Metrics::rescheduled(const Vectorizer& vectorizer, ErrorKind kind, std::size_t jobs, bool charged) {
  if (prefixed_) prefixed_->rescheduled(vectorizer, kind, jobs, charged);
  const std::string name(name_of(kind));
  count(families_->rescheduled.Add({{"kind", name}}), jobs);
  if (charged) count(families_->attempts_failed.Add({{"kind", name}}), jobs);
}

void Metrics::discarded(const Vectorizer& vectorizer, ErrorKind kind, const std::string& message) {
  if (prefixed_) prefixed_->discarded(vectorizer, kind, message);
  const std::string name(name_of(kind));
  families_->dead_letters.Add({{"kind", name}}).Increment();
  families_->attempts_failed.Add({{"kind", name}}).Increment();
}

void Metrics::truncated(const Vectorizer&, std::size_t) { families_->truncated.Increment(); }

void Metrics::cut_silently(const Vectorizer& vectorizer, std::size_t tokens, std::size_t) {
  families_->cuts_at.Add({{"endpoint", vectorizer.endpoint}, {"model", vectorizer.model}})
      .Set(static_cast<double>(tokens));
}

void Metrics::equal_vectors(const Vectorizer& vectorizer, std::size_t texts, bool refused) {
  count(families_->equal_vectors.Add(
            {{"endpoint", vectorizer.endpoint}, {"outcome", refused ? "refused" : "believed"}}),
        texts);
}

void Metrics::braked(const Vectorizer& vectorizer, std::size_t jobs, const std::string&) {
  count(families_->braked.Add({{"vectorizer", vectorizer.name}}), jobs);
}

void Metrics::unbooked(const Unbooked&) { families_->unbooked.Increment(); }

void Metrics::abandoned(const Vectorizer& vectorizer, std::size_t inputs, Duration) {
  count(families_->abandoned.Add({{"endpoint", vectorizer.endpoint}}), inputs);
}

void Metrics::paced(const std::string& endpoint, std::uint32_t requests, double inputs_per_second) {
  families_->concurrency.Add({{"endpoint", endpoint}}).Set(requests);
  families_->pace.Add({{"endpoint", endpoint}}).Set(inputs_per_second);
}

void Metrics::endpoint_changed(const std::string& endpoint, EndpointState state, const std::string& message,
                               Duration pause) {
  if (prefixed_) prefixed_->endpoint_changed(endpoint, state, message, pause);
  for (const EndpointState each : kEndpointStates)
    families_->endpoint_state.Add({{"endpoint", endpoint}, {"state", std::string(name_of(each))}})
        .Set(each == state ? 1 : 0);
}

void Metrics::budget_changed(const BudgetNews& news) {
  const bool own = !news.vectorizer.empty();
  families_->budget_spent.Add({{own ? "vectorizer" : "endpoint", own ? news.vectorizer : news.endpoint}})
      .Set(news.waits ? 1 : 0);
}

void Metrics::polled(const std::vector<VectorizerState>& states) {
  if (prefixed_) prefixed_->polled(states);
  std::set<std::string> names;
  for (const VectorizerState& state : states) {
    const std::string& name = state.vectorizer.name;
    names.insert(name);
    families_->queue_jobs.Add({{"vectorizer", name}, {"state", "queued"}})
        .Set(static_cast<double>(state.jobs_estimate));
    families_->queue_jobs.Add({{"vectorizer", name}, {"state", "dead"}})
        .Set(static_cast<double>(state.dead_letters));
    families_->oldest_age.Add({{"vectorizer", name}}).Set(state.oldest ? to_seconds(*state.oldest) : 0);
    families_->rows.Add({{"vectorizer", name}});
    families_->braked.Add({{"vectorizer", name}});
    if (state.budget.any()) families_->budget_spent.Add({{"vectorizer", name}});
  }
  families_->forget(names);
}

void Metrics::walked(const Vectorizer&, const WalkPage::Progress& progress) {
  count(families_->walked, progress.scanned);
  count(families_->walks_put_off, progress.put_off ? 1 : 0);
  count(families_->walk_enqueued, progress.enqueued);
  count(families_->walk_replaced, progress.replaced + progress.disputed);
}

void Metrics::database_error(std::string_view, const Error& error) {
  families_->database_errors.Add({{"kind", std::string(name_of(error.kind))}}).Increment();
}

void Metrics::in_flight(std::size_t requests, std::size_t leases, std::size_t held_bytes) {
  families_->requests.Set(static_cast<double>(requests));
  families_->leases.Set(static_cast<double>(leases));
  families_->held.Set(static_cast<double>(held_bytes));
}

}  // namespace embedd::observe
