#include <fmt/format.h>

#include "app/traces.h"
#include "base/json.h"
#include "cli/commands.h"
#include "cli/existing.h"
#include "cli/notes.h"
#include "cli/output.h"

namespace embedd::cli {

namespace {

std::string report_json(const app::TracesReport& report) {
  const app::TracesReport::Vector& first = report.vectors.front();
  JsonWriter json;
  json.object().key("created_table").value(report.created_table);
  json.key("created_index").value(report.created_index);
  json.key("created_vectorizer").value(first.created);
  json.key("vectorizer").value(first.vectorizer.name).key("endpoint").value(first.vectorizer.endpoint);
  json.key("model").value(first.vectorizer.model);
  write_existing(json, first.existing);
  json.key("vectorizers").array();
  for (const app::TracesReport::Vector& vector : report.vectors) {
    json.object().key("vectorizer").value(vector.vectorizer.name).key("created").value(vector.created);
    json.key("column").value(vector.vectorizer.destination_column);
    json.key("endpoint").value(vector.vectorizer.endpoint).key("model").value(vector.vectorizer.model);
    write_existing(json, vector.existing);
    json.end();
  }
  return json.end().end().str() + "\n";
}

}  // namespace

Result<int> traces_init(Context& context, const app::TracesRequest& request) {
  const auto report = TRY(app::init_traces(context.config, request));
  if (context.json) {
    print(report_json(report));
    return kDone;
  }
  const schema::VectorizerInfo& first = report.vectors.front().vectorizer;
  const auto line = [](bool created, std::string_view what) {
    print(fmt::format("{} {}\n", created ? paint(Colour::green, "created") : "found  ", what));
  };
  line(report.created_table, fmt::format("table {}.{}", first.source_schema, first.source_table));
  if (report.created_index) line(true, "index on embedding (hnsw, cosine)");
  for (const app::TracesReport::Vector& vector : report.vectors) {
    const schema::VectorizerInfo& info = vector.vectorizer;
    line(vector.created, fmt::format("vectorizer {}: model {} at endpoint {}, {} dimensions", info.name,
                                     info.model, info.endpoint, info.dimensions));
    if (vector.created) note_existing(info, vector.existing);
  }
  note_endpoint(context.config, first.endpoint);
  return kDone;
}

}  // namespace embedd::cli
