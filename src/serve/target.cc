#include "serve/target.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace embedd::serve {
namespace {

constexpr std::string_view kVectorizers = "/v1/vectorizers";
constexpr std::string_view kPage = "/dashboard/";
constexpr std::pair<std::string_view, Route> kOfVectorizers[] = {
    {"/search", Route::search}, {"/embed", Route::embed},           {"/history", Route::history},
    {"/dead", Route::dead},     {"/dead/retry", Route::dead_retry}, {"/dead/purge", Route::dead_purge}};

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 63 && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-';
  });
}

/// A route of the traces service, whose first server had its routes below /api.
Target traces_target(std::string_view path) {
  if (path.starts_with("/api/")) path.remove_prefix(4);
  if (path == "/v1/tags") return {Route::tags, ""};
  if (!path.starts_with("/v1/traces")) return {};
  path.remove_prefix(10);
  if (path.empty()) return {Route::trace_add, ""};
  if (path == "/search") return {Route::traces_search, ""};
  if (!path.starts_with('/') || !is_plain_name(path.substr(1))) return {};
  path.remove_prefix(1);
  return {Route::trace_get, "", std::string(path)};
}

}  // namespace

const char* name_of(Route route) {
  constexpr const char* kNames[] = {
      "search",     "embed",       "embeddings", "mcp",     "traces_search", "traces",  "trace",
      "tags",       "vectorizers", "page",       "status",  "events",        "history", "dead",
      "dead_retry", "dead_purge",  "healthz",    "metrics", "openapi",       "worker",  "other"};
  return kNames[static_cast<std::size_t>(route)];
}

Target target_of(std::string_view target) {
  std::string_view path = target.substr(0, target.find('?'));
  if (path == "/healthz") return {Route::health, ""};
  if (path == "/metrics") return {Route::metrics, ""};
  if (path == "/livez" || path == "/readyz") return {Route::worker, ""};
  if (path == "/openapi.json") return {Route::openapi, ""};
  if (path == "/v1/embeddings") return {Route::embeddings, ""};
  if (path == "/mcp") return {Route::mcp, ""};
  if (path == kVectorizers) return {Route::list, ""};
  if (path == "/" || path == "/dashboard") return {Route::page, "", "index.html"};
  if (path.starts_with(kPage) && is_plain_name(path.substr(kPage.size())))
    return {Route::page, "", std::string(path.substr(kPage.size()))};
  if (path == "/v1/status") return {Route::status, ""};
  if (path == "/v1/events") return {Route::events, ""};
  if (!path.starts_with(kVectorizers)) return traces_target(path);
  path.remove_prefix(kVectorizers.size());
  if (!path.starts_with('/')) return {};
  path.remove_prefix(1);
  const std::size_t end = std::min(path.find('/'), path.size());
  if (!is_plain_name(path.substr(0, end))) return {};
  for (const auto& [what, route] : kOfVectorizers)
    if (path.substr(end) == what) return {route, std::string(path.substr(0, end))};
  return {};
}

}  // namespace embedd::serve
