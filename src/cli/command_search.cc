#include <optional>
#include <string>

#include "app/endpoints.h"
#include "app/search.h"
#include "cli/commands.h"
#include "cli/notes.h"
#include "cli/output.h"
#include "cli/search_text.h"
#include "serve/search_json.h"

namespace embedd::cli {

Result<int> search(Context& context, const SearchArguments& arguments) {
  const search::Request request = TRY(search::parse_request(TRY(request_json(arguments, context.json))));
  const app::SearchResult result = TRY(app::search(context.config, arguments.vectorizer, request));
  if (context.json) {
    print(serve::search_json(result.answer));
    return kDone;
  }
  const search::Mode mode = result.answer.mode;
  const bool of_all =
      !request.filter && !request.min_similarity && !request.similar_to && request.offset == 0;
  if (result.answer.found.hits.empty())
    print_note(mode == search::Mode::vector && of_all
                   ? "nothing found: no row has a vector yet (embedd status says why)"
                   : "nothing found");
  print(search_text(result, request.offset + 1, request.columns.has_value()));
  const auto* endpoint = context.config.endpoint(result.vectorizer.endpoint);
  const std::optional<app::Degraded>& degraded = result.answer.degraded;
  if (endpoint != nullptr && degraded && degraded->reason == "no_api_key")
    print_note("note: to search by meaning too: " + app::how_to_set_key(*endpoint));
  if (result.by_words && mode != search::Mode::text && stderr_is_terminal()) note_local_model();
  return kDone;
}

}  // namespace embedd::cli
