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
  auto model = model_for(settings, options.endpoint, request.model);
  if (!model) return std::unexpected(model.error());
  options.model = std::move(*model);

  auto db = connect(settings, Schema::optional);  // made here if it is missing
  if (!db) return std::unexpected(db.error());
  if (auto migrated = schema::migrate(*db); !migrated) return std::unexpected(migrated.error());
  auto made = schema::init_traces(*db, options);
  if (!made) return std::unexpected(made.error());
  Existing existing = priced(settings, made->vectorizer, made->existing);
  return TracesReport{made->created_table, made->created_index, made->created_vectorizer,
                      std::move(made->vectorizer), std::move(existing)};
}

Result<bool> adopt_traces(const Settings& settings) {
  schema::TracesOptions options{.adopt_only = true};
  auto model = model_for(settings, options.endpoint, "");
  if (!model) return std::unexpected(model.error());
  options.model = std::move(*model);
  auto db = connect(settings, Schema::required, true);
  if (!db) return std::unexpected(db.error());
  auto there = schema::has_traces(*db);
  if (!there || !*there) return there;
  auto report = schema::init_traces(*db, options);
  if (!report) return std::unexpected(report.error());
  if (report->created_vectorizer) log::info("vectorizer_created", {{"vectorizer", report->vectorizer.name}});
  return true;
}

}  // namespace embedd::app
