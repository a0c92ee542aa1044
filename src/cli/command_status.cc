#include <fmt/format.h>

#include <chrono>
#include <thread>

#include "base/json.h"
#include "cli/commands.h"
#include "cli/database.h"
#include "cli/model.h"
#include "cli/output.h"
#include "pg/status.h"

namespace embedd::cli {

namespace {

constexpr seconds kWatchInterval{2};

/// Rows per second of all workers between two looks; negative: not known yet.
class Rate {
 public:
  double update(const std::vector<pg::WorkerStatus>& workers) {
    std::int64_t rows = 0;
    for (const pg::WorkerStatus& worker : workers) rows += worker.rows_embedded;
    const auto now = std::chrono::steady_clock::now();
    const double passed = to_seconds(now - at_);
    const double rate = at_ == Instant{} || rows < rows_ ? -1 : static_cast<double>(rows - rows_) / passed;
    at_ = now;
    rows_ = rows;
    return rate;
  }

 private:
  Instant at_{};
  std::int64_t rows_ = 0;
};

void write_usage(JsonWriter& json, std::string_view name, const std::vector<pg::UsageStatus>& usage) {
  json.key(name).array();
  for (const pg::UsageStatus& item : usage) {
    json.object().key("vectorizer").value(item.vectorizer).key("model").value(item.model);
    json.key("requests").value(item.requests).key("rows").value(item.rows).key("tokens").value(item.tokens);
    json.key("cost_usd").value(item.cost_usd).end();
  }
  json.end();
}

std::string as_json(const Config& config, const pg::Status& status, double rate) {
  JsonWriter json;
  json.object().key("vectorizers").array();
  for (const pg::VectorizerStatus& item : status.vectorizers) {
    json.object().key("name").value(item.name).key("source").value(item.source);
    json.key("endpoint").value(item.endpoint).key("model").value(item.model);
    json.key("dimensions").value(item.dimensions).key("state").value(item.state);
    json.key("jobs").value(item.jobs).key("jobs_exact").value(item.jobs_exact);
    json.key("due").value(item.due).key("leased").value(item.leased).key("oldest_age_seconds");
    item.oldest_age_seconds ? json.value(*item.oldest_age_seconds) : json.null();
    json.key("dead_letters").value(item.dead_letters).key("reconciled_at");
    item.reconciled_at ? json.value(*item.reconciled_at) : json.null();
    json.key("index").value(item.index_kind).key("index_wanted").value(item.index_wanted);
    json.key("problem");
    item.problem ? json.value(*item.problem) : json.null();
    json.key("troubles").array();
    for (const pg::TroubleStatus& trouble : item.troubles)
      json.object()
          .key("state")
          .value(trouble.state)
          .key("message")
          .value(trouble.message)
          .key("workers")
          .value(trouble.workers)
          .end();
    json.end();
    json.key("note");
    item.note ? json.value(*item.note) : json.null();
    json.end();
  }
  json.end().key("workers").array();
  for (const pg::WorkerStatus& item : status.workers) {
    json.object().key("id").value(item.id).key("hostname").value(item.hostname).key("pid").value(item.pid);
    json.key("version").value(item.version).key("up_seconds").value(item.up_seconds);
    json.key("silent_seconds").value(item.silent_seconds).key("rows_embedded").value(item.rows_embedded);
    json.key("requests_in_flight").value(item.requests_in_flight);
    json.key("leases_held").value(item.leases_held).key("draining").value(item.draining).end();
  }
  json.end().key("endpoints").array();
  for (const EndpointConfig& endpoint : config.endpoints) {
    json.object().key("name").value(endpoint.name).key("dialect").value(name_of(endpoint.dialect));
    json.key("has_key").value(has_key(endpoint)).end();
  }
  json.end();
  write_usage(json, "usage_today", status.usage_today);
  write_usage(json, "usage_total", status.usage_total);
  json.key("rows_per_second");
  rate < 0 ? json.null() : json.value(rate);
  return json.end().str() + "\n";
}

/// Why rows wait, in a few words: as the workers say, or if there is none, as far as this side can know.
std::string state_of(const Config& config, const pg::VectorizerStatus& item, bool workers) {
  if (item.problem) return paint(Colour::red, "broken: see below");
  if (item.state != "active") return paint(Colour::yellow, item.state);
  if (item.jobs > 0 && !item.troubles.empty())
    return paint(Colour::yellow, printable(item.troubles.front().state, 40));
  const EndpointConfig* endpoint = config.endpoint(item.endpoint);
  if (!workers && endpoint == nullptr) return paint(Colour::yellow, "endpoint not configured here");
  if (!workers && !has_key(*endpoint)) return paint(Colour::yellow, "no_api_key here");
  if (!item.reconciled_at) return item.jobs > 0 ? "filling" : "not walked yet";
  return item.jobs > 0 ? "embedding" : paint(Colour::green, "current");
}

std::string vectorizers_text(const Config& config, const pg::Status& status) {
  if (status.vectorizers.empty()) return "no vectorizers yet: embedd vectorizer create --help\n";
  Table table({"vectorizer", "source", "model", "waiting", "leased", "oldest", "dead", "state"});
  for (const pg::VectorizerStatus& item : status.vectorizers)
    table.add({printable(item.name), printable(item.source), printable(item.model),
               (item.jobs_exact ? "" : "~") + human_count(item.jobs), human_count(item.leased),
               item.oldest_age_seconds ? human_age(*item.oldest_age_seconds) : "-",
               item.dead_letters > 0 ? paint(Colour::red, human_count(item.dead_letters)) : "0",
               state_of(config, item, !status.workers.empty())});
  std::string out = table.str();
  for (const pg::VectorizerStatus& item : status.vectorizers)
    for (const auto& remark : {item.problem, item.note})
      if (remark) out += fmt::format("{}: {}\n", printable(item.name), printable(*remark));
  for (const pg::VectorizerStatus& item : status.vectorizers)
    for (const pg::TroubleStatus& trouble : item.troubles)
      if (item.jobs > 0)
        out += fmt::format("{} waits: {}, say {} of {} workers: {}\n", printable(item.name),
                           printable(trouble.state, 40), trouble.workers, status.workers.size(),
                           printable(trouble.message, 300));
  for (const pg::VectorizerStatus& item : status.vectorizers)
    if (item.index_wanted)
      out += fmt::format("index_wanted: {}embedd vectorizer reindex {}\n",
                         item.jobs > 0 || !item.reconciled_at ? "once the backlog has drained, run " : "run ",
                         printable(item.name));
  return out;
}

std::string workers_text(const pg::Status& status, double rate) {
  if (status.workers.empty()) return "no workers: embedd worker\n";
  Table table({"worker", "up", "rows embedded", "requests", "leases", "heard of"});
  for (const pg::WorkerStatus& item : status.workers)
    table.add({fmt::format("{}:{}", printable(item.hostname), item.pid), human_age(item.up_seconds),
               human_count(item.rows_embedded), fmt::format("{}", item.requests_in_flight),
               fmt::format("{}", item.leases_held),
               fmt::format("{} ago{}", human_age(item.silent_seconds), item.draining ? ", draining" : "")});
  return table.str() + (rate < 0 ? "" : fmt::format("{:.0f} rows/s\n", rate));
}

std::string usage_text(const pg::Status& status) {
  if (status.usage_total.empty()) return "";
  Table table({"usage", "model", "requests", "rows", "tokens", "USD"});
  const auto add = [&table](std::string_view when, const std::vector<pg::UsageStatus>& usage) {
    for (const pg::UsageStatus& item : usage)
      table.add({fmt::format("{}, {}", printable(item.vectorizer), when), printable(item.model),
                 human_count(item.requests), human_count(item.rows), human_count(item.tokens),
                 fmt::format("{:.4f}", item.cost_usd)});
  };
  add("today", status.usage_today);
  add("in all", status.usage_total);
  return "\n" + table.str();
}

}  // namespace

Result<int> status(Context& context, const StatusArguments& arguments) {
  auto db = connect(context);
  if (!db) return std::unexpected(db.error());
  Rate rate;
  while (true) {
    auto status = pg::read_status(*db);
    if (!status) return std::unexpected(status.error());
    const double rows_per_second = rate.update(status->workers);
    std::string out = context.json ? as_json(context.config, *status, rows_per_second)
                                   : vectorizers_text(context.config, *status) + "\n" +
                                         workers_text(*status, rows_per_second) + usage_text(*status);
    if (arguments.watch && stdout_is_terminal() && !context.json) out.insert(0, "\x1b[H\x1b[2J");
    print(out);
    if (!arguments.watch) return kDone;
    if (!flush_output()) return kFailed;
    std::this_thread::sleep_for(kWatchInterval);
  }
}

}  // namespace embedd::cli
