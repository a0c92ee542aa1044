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
  options.model = TRY(model_for(settings, options.endpoint, request.model));

  auto db = TRY(connect(settings, Schema::optional));  // the migration creates a missing schema
  TRY(schema::migrate(db));
  auto made = TRY(schema::init_traces(db, options));
  Existing existing = priced(settings, made.vectorizer, made.existing);
  return TracesReport{made.created_table, made.created_index, made.created_vectorizer,
                      std::move(made.vectorizer), std::move(existing)};
}

Result<bool> adopt_traces(const Settings& settings) {
  schema::TracesOptions options{.adopt_only = true};
  options.model = TRY(model_for(settings, options.endpoint, ""));
  auto db = TRY(connect(settings, Schema::required, true));
  auto there = schema::has_traces(db);
  if (!there || !*there) return there;
  auto report = TRY(schema::init_traces(db, options));
  if (report.created_vectorizer) log::info("vectorizer_created", {{"vectorizer", report.vectorizer.name}});
  return true;
}

}  // namespace embedd::app
