#include "app/search.h"

#include <fmt/format.h>

#include "app/database.h"
#include "app/endpoints.h"
#include "base/readable.h"
#include "provider/embedders.h"

namespace embedd::app {

namespace {

/// Refuses a search whose result would mislead: without a key, neither another model's vectors nor shared
/// words replace the vectorizer's model.
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
  auto db = TRY(connect(settings));
  auto info = TRY(schema::find_vectorizer(db, vectorizer));
  auto endpoint = TRY(endpoint_of(settings, info));

  auto vector =
      TRY(provider::embed_query(*endpoint, info.model, info.dimensions, info.send_dimensions, query));
  auto hits = TRY(search::search(db, info, vector, limit));
  return SearchResult{std::move(info), std::move(hits), endpoint->dialect == provider::Dialect::local};
}

}  // namespace embedd::app
