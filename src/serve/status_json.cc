#include "serve/status_json.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "base/json.h"
#include "base/version.h"

namespace embedd::serve {
namespace {

template <typename T>
void write(JsonWriter& json, std::string_view name, const std::optional<T>& value) {
  json.key(name);
  value ? json.value(*value) : json.null();
}

void write_usage(JsonWriter& json, std::string_view name, const std::vector<schema::UsageStatus>& usage,
                 const std::function<bool(std::string_view)>& sees) {
  json.key(name).array();
  for (const schema::UsageStatus& item : usage) {
    if (!sees(item.vectorizer)) continue;
    json.object().key("vectorizer").value(item.vectorizer).key("model").value(item.model);
    json.key("requests").value(item.requests).key("rows").value(item.rows).key("tokens").value(item.tokens);
    write_cost(json, item.cost_usd, item.unpriced_tokens);
    json.end();
  }
  json.end();
}

/// The spending of today, of all its models.
void write_today(JsonWriter& json, const app::StatusReport& report, const std::string& vectorizer) {
  schema::UsageStatus sum;
  for (const schema::UsageStatus& item : report.status.usage_today) {
    if (item.vectorizer != vectorizer) continue;
    sum.requests += item.requests;
    sum.rows += item.rows;
    sum.tokens += item.tokens;
    sum.unpriced_tokens += item.unpriced_tokens;
    if (item.cost_usd) sum.cost_usd = sum.cost_usd.value_or(0) + *item.cost_usd;
  }
  if (sum.tokens == 0) sum.cost_usd = 0;
  json.key("today").object().key("requests").value(sum.requests).key("rows").value(sum.rows);
  json.key("tokens").value(sum.tokens);
  write_cost(json, sum.cost_usd, sum.unpriced_tokens);
  json.end();
}

void write_rows(JsonWriter& json, const app::StatusReport& report, const schema::VectorizerStatus& item) {
  json.key("rows").object();
  write(json, "all", item.rows.all);
  write(json, "done", item.rows.done);
  json.key("exact").value(item.rows.exact).end();
  write(json, "rows_per_second", report.rate_of(item.info.name));
  write(json, "seconds_to_finish", report.seconds_to_finish(item));
  json.key("freshness");
  if (item.freshness.total() == 0) {
    json.null();
    return;
  }
  json.object().key("rows").value(item.freshness.total());
  write(json, "p50_seconds", item.freshness.quantile(0.5));
  write(json, "p99_seconds", item.freshness.quantile(0.99));
  json.end();
}

void write_problems(JsonWriter& json, const schema::VectorizerStatus& item) {
  write(json, "problem", item.problem);
  json.key("reported_problems").array();
  for (const schema::ReportedProblem& problem : item.reported_problems) {
    json.object().key("state").value(problem.state).key("message").value(problem.message);
    json.key("workers").value(problem.workers);
    write(json, "stopped_seconds", problem.stopped_seconds);
    json.end();
  }
  json.end();
  write(json, "note", item.note);
}

void write_vectorizer(JsonWriter& json, const app::StatusReport& report, const schema::VectorizerStatus& item,
                      bool sees_replaced) {
  json.object().key("name").value(item.info.name).key("source").value(item.source);
  json.key("endpoint").value(item.info.endpoint).key("model").value(item.info.model);
  json.key("dimensions").value(item.info.dimensions);
  json.key("state").value(item.info.paused ? "paused" : "active");
  json.key("condition").value(app::condition_of(item, app::living(report.status.workers) > 0));
  write(json, "replaces",
        item.info.next_of.empty() || !sees_replaced ? std::nullopt : std::optional(item.info.next_of));
  write(json, "text_search", item.text_search.empty() ? std::nullopt : std::optional(item.text_search));
  json.key("budget").object();
  write(json, "usd_per_day", item.budget_usd_per_day);
  write(json, "tokens_per_day", item.budget_tokens_per_day);
  json.key("spent").value(item.budget_spent).end();
  write_rows(json, report, item);
  if (item.chunks_waiting) json.key("chunks_waiting").value(*item.chunks_waiting);
  json.key("jobs").value(item.jobs).key("jobs_exact").value(item.jobs_exact);
  json.key("due").value(item.due).key("leased").value(item.leased);
  write(json, "oldest_age_seconds", item.oldest_age_seconds);
  write(json, "next_try_seconds", item.next_try_seconds);
  json.key("unwalked_rows").value(item.unwalked_rows).key("dead_letters").value(item.dead_letters);
  write(json, "walked_at", item.walked_at);
  write(json, "walk_put_off_at", item.walk_put_off_at);
  json.key("index").value(item.info.index_kind).key("index_wanted").value(item.index_wanted);
  write_today(json, report, item.info.name);
  write_problems(json, item);
  json.end();
}

void write_worker(JsonWriter& json, const app::StatusReport& report, const schema::WorkerStatus& item) {
  json.object().key("id").value(item.id).key("hostname").value(item.hostname).key("pid").value(item.pid);
  json.key("version").value(item.version).key("up_seconds").value(item.up_seconds);
  json.key("silent_seconds").value(item.silent_seconds).key("rows_embedded").value(item.rows_embedded);
  write(json, "rows_per_second", report.rate_of(item.id));
  json.key("requests_in_flight").value(item.requests_in_flight);
  json.key("leases").value(item.leases).key("draining").value(item.draining);
  json.key("problems").array();
  for (const std::string& problem : item.problems) json.value(problem);
  json.end().end();
}

/// An endpoint that is configured here, or that a worker uses, or both.
void write_endpoint(JsonWriter& json, std::string_view name, const app::EndpointState* here,
                    const schema::EndpointStatus* reported) {
  json.object().key("name").value(name);
  write(json, "dialect", here != nullptr ? std::optional(name_of(here->dialect)) : std::nullopt);
  write(json, "has_key", here != nullptr ? std::optional(here->has_key) : std::nullopt);
  const bool known = reported != nullptr;
  write(json, "state", known ? std::optional(reported->state) : std::nullopt);
  json.key("message").value(known ? reported->message : "");
  json.key("workers").value(known ? reported->workers : std::int64_t{0});
  write(json, "requests_in_flight", known ? std::optional(reported->in_flight) : std::nullopt);
  write(json, "concurrency", known ? std::optional(reported->concurrency) : std::nullopt);
  write(json, "rows_per_second",
        known && reported->inputs_per_second > 0 ? std::optional(reported->inputs_per_second) : std::nullopt);
  json.end();
}

void write_endpoints(JsonWriter& json, const app::StatusReport& report,
                     const std::function<bool(std::string_view)>& used) {
  json.key("endpoints").array();
  for (const app::EndpointState& here : report.endpoints) {
    if (!used(here.name)) continue;
    const auto found = std::ranges::find(report.status.endpoints, here.name, &schema::EndpointStatus::name);
    write_endpoint(json, here.name, &here, found == report.status.endpoints.end() ? nullptr : &*found);
  }
  for (const schema::EndpointStatus& reported : report.status.endpoints)
    if (report.endpoint(reported.name) == nullptr && used(reported.name))
      write_endpoint(json, reported.name, nullptr, &reported);
  json.end();
}

void write_viewer(JsonWriter& json, const Viewer& viewer) {
  json.key("rights").object().key("token").value(viewer.token);
  json.key("write").value(viewer.why_no_write.empty()).key("why_not").value(viewer.why_no_write);
  json.key("dead_letters").value(viewer.why_no_dead_letters.empty());
  json.key("why_no_dead_letters").value(viewer.why_no_dead_letters).end();
}

}  // namespace

void write_cost(JsonWriter& json, std::optional<double> usd, std::int64_t unpriced_tokens) {
  write(json, "cost_usd", usd);
  json.key("unpriced_tokens").value(unpriced_tokens);
}

std::string status_json(const app::StatusReport& report, const Viewer* viewer) {
  const schema::Status& status = report.status;
  const bool everything = viewer == nullptr || !viewer->sees;
  const auto sees = [&](std::string_view name) { return everything || viewer->sees(name); };
  const auto uses = [&](std::string_view endpoint) {
    return everything || std::ranges::any_of(status.vectorizers, [&](const schema::VectorizerStatus& item) {
             return item.info.endpoint == endpoint && sees(item.info.name);
           });
  };
  JsonWriter json;
  json.object();
  json.key("vectorizers").array();
  for (const schema::VectorizerStatus& item : status.vectorizers)
    if (sees(item.info.name)) write_vectorizer(json, report, item, sees(item.info.next_of));
  json.end().key("workers");
  if (everything) {
    json.array();
    for (const schema::WorkerStatus& item : status.workers) write_worker(json, report, item);
    json.end();
  } else {
    json.null();
  }
  write_endpoints(json, report, uses);
  write_usage(json, "usage_today", status.usage_today, sees);
  write_usage(json, "usage_total", status.usage_total, sees);
  if (everything) {
    write(json, "usage_of_original_usd", status.original_usd);
    write(json, "rows_per_second", report.rows_per_second);
  }
  json.key("at").value(report.at).key("version").value(version()).key("database").value(report.database);
  if (viewer != nullptr) write_viewer(json, *viewer);
  return json.end().str();
}

}  // namespace embedd::serve
