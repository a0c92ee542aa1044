#include <fmt/format.h>

#include "app/search.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/notes.h"
#include "cli/output.h"

namespace embedd::cli {

namespace {

void print_json(const app::SearchResult& result) {
  const schema::VectorizerInfo& info = result.vectorizer;
  JsonWriter json;
  json.object().key("vectorizer").value(info.name).key("model").value(info.model).key("hits").array();
  for (const search::SearchHit& hit : result.hits) {
    json.object().key("key").raw(hit.key).key("similarity").value(hit.similarity);
    if (hit.chunk_seq) json.key("chunk_seq").value(*hit.chunk_seq);
    json.key("text").value(hit.preview).end();
  }
  print(json.end().end().str() + "\n");
}

void print_hits(const std::vector<search::SearchHit>& hits) {
  for (std::size_t i = 0; i < hits.size(); ++i) {
    const std::string chunk = hits[i].chunk_seq ? fmt::format(", chunk {}", *hits[i].chunk_seq) : "";
    print(fmt::format("{}. {} {}\n", i + 1, paint(Colour::bold, fmt::format("{:.3f}", hits[i].similarity)),
                      paint(Colour::dim, printable(hits[i].key, 100) + chunk)));
    print(fmt::format("   {}\n", printable(hits[i].preview, 160)));
  }
}

}  // namespace

Result<int> search(Context& context, const SearchArguments& arguments) {
  const auto result =
      TRY(app::search(context.config, arguments.vectorizer, arguments.query, arguments.limit));
  if (context.json) {
    print_json(result);
    return kDone;
  }
  if (result.hits.empty()) print_note("nothing found: no row has a vector yet (embedd status says why)");
  print_hits(result.hits);
  if (result.by_words && stderr_is_terminal()) note_local_model();
  return kDone;
}

}  // namespace embedd::cli
