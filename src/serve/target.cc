#include "serve/target.h"

#include <algorithm>
#include <cctype>

namespace embedd::serve {
namespace {

constexpr std::string_view kVectorizers = "/v1/vectorizers";

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= 63 && std::ranges::all_of(name, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '.' || c == '-';
  });
}

}  // namespace

const char* name_of(Route route) {
  constexpr const char* kNames[] = {"search",  "embed",   "embeddings", "mcp",    "vectorizers",
                                    "healthz", "metrics", "openapi",    "worker", "other"};
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
  if (!path.starts_with(kVectorizers)) return {};
  path.remove_prefix(kVectorizers.size());
  const std::size_t end = path.rfind('/');
  if (!path.starts_with('/') || end == 0) return {};
  const std::string_view name = path.substr(1, end - 1), what = path.substr(end);
  if (!is_plain_name(name)) return {};
  if (what == "/search") return {Route::search, std::string(name)};
  if (what == "/embed") return {Route::embed, std::string(name)};
  return {};
}

}  // namespace embedd::serve
