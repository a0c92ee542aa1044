#include "app/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "app/database.h"
#include "app/endpoints.h"
#include "app/wait_for.h"
#include "base/readable.h"
#include "schema/sql_text.h"
#include "search/statement.h"

namespace embedd::app {
namespace {

std::string rows_waiting(pg::Connection& db, const schema::VectorizerInfo& info) {
  const auto rows = db.exec(
      fmt::format("SELECT (SELECT count(*) FROM (SELECT FROM {} LIMIT {}) queued), (SELECT walked_at IS NULL "
                  "FROM embedd.vectorizers WHERE id = {})",
                  schema::queue_table(info.id), search::kMaxQueued + 1, info.id));
  if (!rows) return "how many rows wait to be embedded cannot be read: " + printable(rows.error().message);
  if (rows->flag(0, 1)) return "no walk has found all rows yet: those that were not embedded are missing";
  const std::int64_t waiting = rows->integer(0, 0);
  if (waiting == 0) return "";
  return fmt::format("{}{} rows wait to be embedded: their present texts have no vectors yet",
                     waiting > search::kMaxQueued ? "more than " : "",
                     human_count(std::min<std::int64_t>(waiting, search::kMaxQueued)));
}

/// What is known before the search. The service hides from its clients which database this is, and whether
/// it can be reached; a person at the shell is to know.
Result<SearchResult> look_up(const Settings& settings, std::string_view vectorizer) {
  auto db = TRY(connect(settings));
  SearchResult out{.vectorizer = TRY(schema::find_vectorizer(db, vectorizer))};
  out.waiting = rows_waiting(db, out.vectorizer);
  const provider::EndpointConfig* endpoint = settings.endpoint(out.vectorizer.endpoint);
  out.by_words = endpoint != nullptr && endpoint->dialect == provider::Dialect::local;
  return out;
}

}  // namespace

Result<SearchResult> search(const Settings& settings, std::string_view vectorizer, search::Request request) {
  SearchResult out = TRY(look_up(settings, vectorizer));
  SearchService service(settings, 1);
  auto answer = wait_for<SearchAnswer>(
      [&](auto done) { service.search(std::string(vectorizer), std::move(request), std::move(done)); });
  if (answer) {
    out.answer = *std::move(answer);
    return out;
  }
  const std::string& code = answer.error().code;
  if (code == "no_api_key" || code == "misconfigured") TRY(ready_endpoint(settings, out.vectorizer));
  return std::unexpected(std::move(answer.error().error));
}

}  // namespace embedd::app
