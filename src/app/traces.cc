#include "app/traces.h"

#include <utility>

#include "app/database.h"
#include "app/endpoints.h"
#include "base/log.h"
#include "schema/migrate.h"

namespace embedd::app {

Result<TracesReport> init_traces(const Settings& settings, const TracesRequest& request) {
  schema::TracesOptions options;
  if (!request.endpoint.empty()) options.endpoint = request.endpoint;
  options.endpoint_asked = !request.endpoint.empty();
  options.model_asked = !request.model.empty();
  options.adopt_only = request.adopt_only;
  options.full = request.full;
  options.model = TRY(model_for(settings, options.endpoint, request.model));

  auto db = TRY(connect(settings, Schema::optional));  // the migration creates a missing schema
  TRY(schema::migrate(db));
  auto made = TRY(schema::init_traces(db, options));
  TracesReport report{made.created_table, made.created_index, {}};
  for (schema::TracesReport::Vector& vector : made.vectors) {
    Existing existing = priced(settings, vector.vectorizer, vector.existing);
    report.vectors.push_back({vector.created, std::move(vector.vectorizer), std::move(existing)});
  }
  return report;
}

Result<bool> adopt_traces(const Settings& settings) {
  schema::TracesOptions options{.adopt_only = true};
  options.model = TRY(model_for(settings, options.endpoint, ""));
  auto db = TRY(connect(settings, Schema::required, true));
  auto there = schema::has_traces(db);
  if (!there || !*there) return there;
  const auto report = TRY(schema::init_traces(db, options));
  for (const auto& vector : report.vectors)
    if (vector.created) log::info("vectorizer_created", {{"vectorizer", vector.vectorizer.name}});
  return true;
}

}  // namespace embedd::app
