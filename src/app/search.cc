#include "app/search.h"

#include <utility>

#include "app/database.h"
#include "app/endpoints.h"
#include "base/readable.h"
#include "provider/embedders.h"

namespace embedd::app {

Result<SearchResult> search(const Settings& settings, std::string_view vectorizer, std::string_view query,
                            int limit) {
  if (printable(query).empty()) return fail(ErrorKind::invalid_argument, "the query is empty");
  auto db = TRY(connect(settings));
  auto info = TRY(schema::find_vectorizer(db, vectorizer));
  auto endpoint = TRY(ready_endpoint(settings, info));

  auto vector =
      TRY(provider::embed_query(*endpoint, info.model, info.dimensions, info.send_dimensions, query));
  auto hits = TRY(search::search(db, info, vector, limit));
  return SearchResult{std::move(info), std::move(hits), endpoint->dialect == provider::Dialect::local};
}

}  // namespace embedd::app
