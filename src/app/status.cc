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
  auto db = TRY(connect(settings));
  return StatusReader(settings, std::move(db));
}

Result<StatusReport> StatusReader::read() {
  auto status = TRY(schema::read_status(db_));
  StatusReport report{.status = std::move(status), .endpoints = {}, .rows_per_second = {}};
  report.rows_per_second = rate_.update(report.status.workers, std::chrono::steady_clock::now());
  for (const provider::EndpointConfig& endpoint : settings_->endpoints)
    report.endpoints.push_back(
        {endpoint.name, endpoint.dialect, has_key(endpoint), how_to_set_key(endpoint)});
  return report;
}

bool waits(const schema::VectorizerStatus& vectorizer) {
  return vectorizer.jobs > 0 || vectorizer.unwalked_rows > 0;
}

std::string_view condition_of(const schema::VectorizerStatus& vectorizer, bool workers) {
  if (vectorizer.problem) return "broken";
  if (vectorizer.info.paused) return "paused";
  if (waits(vectorizer) && !vectorizer.reported_problems.empty()) return "waiting";
  if (waits(vectorizer) && !workers) return "no worker";
  if (!vectorizer.walked_at) return vectorizer.jobs > 0 ? "filling" : "not walked";
  if (vectorizer.jobs == 0) return "current";
  const bool at_it = vectorizer.due + vectorizer.leased > 0 || vectorizer.chunks_waiting.value_or(0) > 0;
  return at_it ? "embedding" : "retrying";
}

}  // namespace embedd::app
