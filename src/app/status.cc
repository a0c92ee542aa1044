#include "app/status.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "app/database.h"
#include "app/endpoints.h"

namespace embedd::app {

const EndpointState* StatusReport::endpoint(std::string_view name) const {
  const auto found = std::ranges::find(endpoints, name, &EndpointState::name);
  return found == endpoints.end() ? nullptr : &*found;
}

std::optional<double> StatusReport::rate_of(const std::string& vectorizer_or_worker) const {
  const auto found = rows_per_second_of.find(vectorizer_or_worker);
  return found == rows_per_second_of.end() ? std::nullopt : std::optional(found->second);
}

std::optional<double> StatusReport::seconds_to_finish(const schema::VectorizerStatus& vectorizer) const {
  const auto rate = rate_of(vectorizer.info.name);
  std::int64_t left = vectorizer.jobs;
  if (!vectorizer.walked_at) {  // the queue has only some of the rows that the walk will find
    if (!vectorizer.rows.all || !vectorizer.rows.done) return std::nullopt;
    left = std::max(left, *vectorizer.rows.all - *vectorizer.rows.done);
  }
  if (left == 0 || !rate || *rate <= 0) return std::nullopt;
  return static_cast<double>(left) / *rate;
}

std::optional<double> RowRate::update(const std::vector<schema::WorkerStatus>& workers, Instant now) {
  std::int64_t rows = 0;
  for (const schema::WorkerStatus& worker : workers) rows += worker.rows_embedded;
  std::optional<double> rate;
  if (at_ != Instant{} && rows >= rows_) rate = static_cast<double>(rows - rows_) / to_seconds(now - at_);
  at_ = now;
  rows_ = rows;
  return rate;
}

Result<StatusReader> StatusReader::open(const Settings& settings) {
  return StatusReader(settings, TRY(connect(settings)));
}

Result<StatusReport> StatusReader::read() {
  auto status = TRY(schema::read_status(db_));
  StatusReport report{.status = std::move(status)};
  auto place = TRY(db_.exec(
      "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"'), current_database()"));
  report.at = place.text(0, 0);
  report.database = place.text(0, 1);
  const Instant now = std::chrono::steady_clock::now();
  report.rows_per_second = rate_.update(report.status.workers, now);
  const auto note_rate = [&](const std::string& name, std::int64_t rows) {
    if (const auto rate = rates_.update(name, rows, now)) report.rows_per_second_of[name] = *rate;
  };
  std::map<std::string, std::int64_t> rows_of;  // of all models of a vectorizer
  for (const schema::VectorizerStatus& each : report.status.vectorizers) rows_of[each.info.name] = 0;
  for (const schema::UsageStatus& usage : report.status.usage_total)
    if (const auto found = rows_of.find(usage.vectorizer); found != rows_of.end())
      found->second += usage.rows;
  for (const auto& [name, rows] : rows_of) note_rate(name, rows);
  for (const schema::WorkerStatus& worker : report.status.workers) note_rate(worker.id, worker.rows_embedded);
  rates_.forget_others(now);
  for (const provider::EndpointConfig& endpoint : settings_->endpoints)
    report.endpoints.push_back(
        {endpoint.name, endpoint.dialect, has_key(endpoint), how_to_set_key(endpoint)});
  return report;
}

bool waits(const schema::VectorizerStatus& vectorizer) {
  return vectorizer.jobs > 0 || vectorizer.unwalked_rows > 0;
}

std::int64_t living(const std::vector<schema::WorkerStatus>& workers) {
  constexpr double kAliveSeconds = 60;
  return std::ranges::count_if(
      workers, [](const schema::WorkerStatus& worker) { return worker.silent_seconds < kAliveSeconds; });
}

std::string_view condition_of(const schema::VectorizerStatus& vectorizer, bool workers) {
  if (vectorizer.problem) return "broken";
  if (vectorizer.info.paused) return "paused";
  if (waits(vectorizer) && !vectorizer.reported_problems.empty()) return "waiting";
  if (waits(vectorizer) && !workers) return "no worker";
  if (!vectorizer.walked_at) return vectorizer.jobs > 0 ? "filling" : "not walked";
  if (vectorizer.jobs == 0) return vectorizer.unwalked_rows > 0 ? "filling" : "current";
  const bool at_it = vectorizer.due + vectorizer.leased > 0 || vectorizer.chunks_waiting.value_or(0) > 0;
  return at_it ? "embedding" : "retrying";
}

}  // namespace embedd::app
