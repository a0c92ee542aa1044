#include "app/search.h"

#include <fmt/format.h>

#include "app/database.h"
#include "app/endpoints.h"
#include "base/readable.h"
#include "provider/embedders.h"

namespace embedd::app {

namespace {

/// Refuses a search that could not be honest: another model's vectors, or words in place of meaning, are
/// never a substitute for a missing key.
Result<const provider::EndpointConfig*> endpoint_of(const Settings& settings,
                                                    const schema::VectorizerInfo& info) {
  const provider::EndpointConfig* endpoint = settings.endpoint(info.endpoint);
  if (endpoint == nullptr)
    return fail(ErrorKind::invalid_argument,
                fmt::format("{} uses the endpoint '{}', which is not configured here: add [endpoint.{}] to "
                            "embedd.toml",
                            info.name, info.endpoint, info.endpoint));
  if (!has_key(*endpoint))
    return fail(
        ErrorKind::unauthenticated,
        fmt::format("the query needs the model {} of the endpoint '{}', and there is no key for it: {}",
                    info.model, endpoint->name, how_to_set_key(*endpoint)));
  return endpoint;
}

}  // namespace

Result<SearchResult> search(const Settings& settings, std::string_view vectorizer, std::string_view query,
                            int limit) {
  if (printable(query).empty()) return fail(ErrorKind::invalid_argument, "the query is empty");
  auto db = connect(settings);
  if (!db) return std::unexpected(db.error());
  auto info = schema::find_vectorizer(*db, vectorizer);
  if (!info) return std::unexpected(info.error());
  auto endpoint = endpoint_of(settings, *info);
  if (!endpoint) return std::unexpected(endpoint.error());

  auto vector =
      provider::embed_query(**endpoint, info->model, info->dimensions, info->send_dimensions, query);
  if (!vector) return std::unexpected(vector.error());
  auto hits = search::search(*db, *info, *vector, limit);
  if (!hits) return std::unexpected(hits.error());
  return SearchResult{std::move(*info), std::move(*hits), (*endpoint)->dialect == provider::Dialect::local};
}

}  // namespace embedd::app
