#include <fmt/format.h>

#include "app/traces.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/existing.h"
#include "cli/notes.h"
#include "cli/output.h"

namespace embedd::cli {

Result<int> traces_init(Context& context, const app::TracesRequest& request) {
  const auto report = TRY(app::init_traces(context.config, request));
  const schema::VectorizerInfo& info = report.vectorizer;
  if (context.json) {
    JsonWriter json;
    json.object().key("created_table").value(report.created_table);
    json.key("created_index").value(report.created_index);
    json.key("created_vectorizer").value(report.created_vectorizer);
    json.key("vectorizer").value(info.name).key("endpoint").value(info.endpoint);
    json.key("model").value(info.model);
    write_existing(json, report.existing);
    print(json.end().str() + "\n");
    return kDone;
  }
  const auto line = [](bool created, std::string_view what) {
    print(fmt::format("{} {}\n", created ? paint(Colour::green, "created") : "found  ", what));
  };
  line(report.created_table, fmt::format("table {}.{}", info.source_schema, info.source_table));
  if (report.created_index) line(true, "index on embedding (hnsw, cosine)");
  line(report.created_vectorizer, fmt::format("vectorizer {}: model {} at endpoint {}, {} dimensions",
                                              info.name, info.model, info.endpoint, info.dimensions));
  if (report.created_vectorizer) note_existing(info, report.existing);
  note_endpoint(context.config, info.endpoint);
  return kDone;
}

}  // namespace embedd::cli
