#include "observe/request_metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include "base/version.h"

namespace embedd::observe {

using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

struct RequestMetrics::Families {
  prometheus::Registry registry;

  Family<Counter>& counter(const char* name, const char* help) {
    return prometheus::BuildCounter().Name(name).Help(help).Register(registry);
  }
  Family<Gauge>& gauge(const char* name, const char* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry);
  }
  Family<Histogram>& histogram(const char* name, const char* help) {
    return prometheus::BuildHistogram().Name(name).Help(help).Register(registry);
  }

  Family<Gauge>& build = gauge("embedd_build_info", "Constant 1; the version is a label");
  Family<Counter>& requests = counter("embedd_http_requests_total", "Requests answered, by route and status");
  Family<Histogram>& seconds =
      histogram("embedd_http_request_seconds", "From the head to the end of the answer, by route");
  Family<Counter>& degraded = counter("embedd_searches_degraded_total",
                                      "Searches answered without one of their legs, by leg and reason");
  Family<Counter>& tools =
      counter("embedd_tool_calls_total", "Tools that agents called, by tool and outcome");
  Family<Histogram>& tool_seconds = histogram("embedd_tool_call_seconds", "How long tools worked, by tool");
  Family<Counter>& looked_up =
      counter("embedd_query_cache_total", "Looks into the cache of query vectors, by layer and outcome");
  Family<Counter>& reranks =
      counter("embedd_reranks_total", "Searches that a reranker was to order, by its name and outcome");
  Family<Gauge>& redis = gauge("embedd_redis_up", "Whether Redis answers; absent if none is configured");
  Counter& limited =
      counter("embedd_http_limited_total", "Requests refused because too many were under way").Add({});
  Gauge& connections = gauge("embedd_http_connections", "Open connections").Add({});
  Gauge& active = gauge("embedd_http_active_requests", "Requests under way").Add({});
};

namespace {

const Histogram::BucketBoundaries kSeconds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                           0.25,  0.5,    1,     2.5,  5,     10,   30};

}  // namespace

RequestMetrics::RequestMetrics(bool alone, const std::string& prefix)
    : families_(std::make_unique<Families>()) {
  if (!prefix.empty()) prefixed_ = std::make_unique<PrefixedSearchMetrics>(prefix, families_->registry);
  if (alone) families_->build.Add({{"version", std::string(version())}}).Set(1);
}
RequestMetrics::~RequestMetrics() = default;

std::string RequestMetrics::text() const {
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

void RequestMetrics::answered(const std::string& route, int status, Duration took) {
  families_->requests.Add({{"route", route}, {"status", std::to_string(status)}}).Increment();
  families_->seconds.Add({{"route", route}}, kSeconds).Observe(to_seconds(took));
}

void RequestMetrics::degraded(const std::string& leg, const std::string& reason) {
  families_->degraded.Add({{"leg", leg}, {"reason", reason}}).Increment();
}

void RequestMetrics::tool_called(const std::string& tool, const std::string& code, Duration took) {
  families_->tools.Add({{"tool", tool}, {"code", code}}).Increment();
  families_->tool_seconds.Add({{"tool", tool}}, kSeconds).Observe(to_seconds(took));
}

void RequestMetrics::looked_up(const char* layer, const char* outcome) {
  families_->looked_up.Add({{"layer", layer}, {"outcome", outcome}}).Increment();
}

void RequestMetrics::reranked(const std::string& name, const std::string& outcome) {
  families_->reranks.Add({{"name", name}, {"outcome", outcome}}).Increment();
}

void RequestMetrics::redis(bool up) { families_->redis.Add({}).Set(up ? 1 : 0); }

void RequestMetrics::traces_searched(bool has_tags, Duration took) {
  if (prefixed_) prefixed_->searched(has_tags, took);
}

void RequestMetrics::limited() { families_->limited.Increment(); }
void RequestMetrics::connections(std::size_t open) { families_->connections.Set(static_cast<double>(open)); }
void RequestMetrics::active(std::size_t requests) { families_->active.Set(static_cast<double>(requests)); }

}  // namespace embedd::observe
