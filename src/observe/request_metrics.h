/// Prometheus metrics of the search service. Thread-safe. Labels are bounded: routes, status codes and
/// reasons are from fixed lists.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/units.h"
#include "observe/prefixed_metrics.h"

namespace embedd::observe {

class RequestMetrics {
 public:
  /// `alone`: no worker in this process has metrics that name the version.
  /// `prefix`: of the metrics that prefixed_metrics.h adds; empty: none.
  explicit RequestMetrics(bool alone, const std::string& prefix = "");
  ~RequestMetrics();

  /// The Prometheus text format, version 0.0.4.
  [[nodiscard]] std::string text() const;

  void answered(const std::string& route, int status, Duration took);
  /// A search was answered without one of its legs.
  void degraded(const std::string& leg, const std::string& reason);
  /// A tool was called; `code`: why it failed, or ok.
  void tool_called(const std::string& tool, const std::string& code, Duration took);
  /// A layer of the cache of query vectors (memory, redis) was asked; `outcome`: hit, miss and others.
  void looked_up(const char* layer, const char* outcome);
  /// A reranker was asked, or was to be; `outcome`: ok, or why there are no scores.
  void reranked(const std::string& name, const std::string& outcome);
  /// Whether Redis answers. Not called: there is none, and no metric says so.
  void redis(bool up);
  /// A search of traces has ended, well or not.
  void traces_searched(bool has_tags, Duration took);
  void limited();
  void connections(std::size_t open);
  void active(std::size_t requests);

 private:
  struct Families;
  std::unique_ptr<Families> families_;
  std::unique_ptr<PrefixedSearchMetrics> prefixed_;  ///< may be null
};

}  // namespace embedd::observe
