#include <fmt/format.h>

#include "app/database.h"
#include "app/endpoints.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "http/embedders.h"
#include "pg/search.h"
#include "pg/vectorizers.h"

namespace embedd::cli {

namespace {

/// Refuses a search that could not be honest: another model's vectors, or words in place of meaning, are
/// never a substitute for a missing key.
Result<const EndpointConfig*> endpoint_of(const Config& config, const pg::VectorizerInfo& info) {
  const EndpointConfig* endpoint = config.endpoint(info.endpoint);
  if (endpoint == nullptr)
    return fail(ErrorKind::invalid_argument,
                fmt::format("{} uses the endpoint '{}', which is not configured here: add [endpoint.{}] to "
                            "embedd.toml",
                            info.name, info.endpoint, info.endpoint));
  if (!app::has_key(*endpoint))
    return fail(
        ErrorKind::unauthenticated,
        fmt::format("the query needs the model {} of the endpoint '{}', and there is no key for it: {}",
                    info.model, endpoint->name, app::how_to_set_key(*endpoint)));
  return endpoint;
}

void print_json(const pg::VectorizerInfo& info, const std::vector<pg::SearchHit>& hits) {
  JsonWriter json;
  json.object().key("vectorizer").value(info.name).key("model").value(info.model).key("hits").array();
  for (const pg::SearchHit& hit : hits) {
    json.object().key("key").raw(hit.key).key("similarity").value(hit.similarity);
    json.key("text").value(hit.preview).end();
  }
  print(json.end().end().str() + "\n");
}

void print_hits(const std::vector<pg::SearchHit>& hits) {
  for (std::size_t i = 0; i < hits.size(); ++i) {
    print(fmt::format("{}. {} {}\n", i + 1, paint(Colour::bold, fmt::format("{:.3f}", hits[i].similarity)),
                      paint(Colour::dim, printable(hits[i].key, 100))));
    print(fmt::format("   {}\n", printable(hits[i].preview, 160)));
  }
}

}  // namespace

Result<int> search(Context& context, const SearchArguments& arguments) {
  if (printable(arguments.query).empty()) return fail(ErrorKind::invalid_argument, "the query is empty");
  auto db = app::connect(context.config);
  if (!db) return std::unexpected(db.error());
  auto info = pg::find_vectorizer(*db, arguments.vectorizer);
  if (!info) return std::unexpected(info.error());
  auto endpoint = endpoint_of(context.config, *info);
  if (!endpoint) return std::unexpected(endpoint.error());

  auto query = embed_query(**endpoint, info->model, info->dimensions, info->send_dimensions, arguments.query);
  if (!query) return std::unexpected(query.error());
  auto hits = pg::search(*db, *info, *query, arguments.limit);
  if (!hits) return std::unexpected(hits.error());

  if (context.json) {
    print_json(*info, *hits);
    return kDone;
  }
  if (hits->empty()) print_note("nothing found: no row has a vector yet (embedd status says why)");
  print_hits(*hits);
  if ((*endpoint)->dialect == Dialect::local && stderr_is_terminal())
    print_note("note: local-hashing-v1 finds shared words, not meaning");
  return kDone;
}

}  // namespace embedd::cli
