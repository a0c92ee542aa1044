/// Which route of the search service a request is for. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace embedd::serve {

enum class Route : std::uint8_t {
  search,
  embed,
  embeddings,
  mcp,
  traces_search,
  trace_add,
  trace_get,
  tags,
  list,
  page,
  status,
  events,
  history,
  dead,
  dead_retry,
  dead_purge,
  health,
  metrics,
  openapi,
  worker,
  unknown
};

struct Target {
  Route route = Route::unknown;
  std::string vectorizer;  ///< of search and embed
  std::string id{};        ///< of trace_get; of page: the file's name

  /// True if the route needs a token, if there are tokens, and counts as a request under way.
  [[nodiscard]] bool guarded() const {
    return posts() || route == Route::list || of_traces() || (of_dashboard() && route != Route::page);
  }
  /// True if the route takes POST with a body, in place of GET.
  [[nodiscard]] bool posts() const {
    return route == Route::search || route == Route::embed || route == Route::embeddings ||
           route == Route::mcp || route == Route::traces_search || route == Route::trace_add ||
           route == Route::dead_retry || route == Route::dead_purge;
  }
  /// True for the dashboard's page, and what the page asks for.
  [[nodiscard]] bool of_dashboard() const { return route >= Route::page && route <= Route::dead_purge; }
  /// True for the routes of the traces service.
  [[nodiscard]] bool of_traces() const {
    return route == Route::traces_search || route == Route::trace_add || route == Route::trace_get ||
           route == Route::tags;
  }
};

/// The route's name for the log and the metrics, such as search.
const char* name_of(Route route);
/// `target` as in the request line.
Target target_of(std::string_view target);

}  // namespace embedd::serve
