/// The status of vectorizers and workers, the spending, and what this process knows about the endpoints.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "app/row_rates.h"
#include "app/settings.h"
#include "base/error.h"
#include "base/units.h"
#include "schema/status.h"

namespace embedd::app {

/// An endpoint that is configured here.
struct EndpointState {
  std::string name;
  provider::Dialect dialect = provider::Dialect::openai;
  bool has_key = false;        ///< true also if no key is needed
  std::string how_to_set_key;  ///< what to do if there is no key
};

struct StatusReport {
  schema::Status status;
  std::vector<EndpointState> endpoints;
  std::string at;                         ///< the database's time of the reading: ISO 8601, UTC
  std::string database;                   ///< its name
  std::optional<double> rows_per_second;  ///< of all workers since the last read(); none at the first
  /// Rows per second of the last half minute, by the vectorizer's name and by the worker's id; those that are
  /// missing are not known.
  std::map<std::string, double> rows_per_second_of;

  /// Null if no endpoint has that name.
  [[nodiscard]] const EndpointState* endpoint(std::string_view name) const;
  /// None: not known.
  [[nodiscard]] std::optional<double> rate_of(const std::string& vectorizer_or_worker) const;
  /// Seconds until nothing waits, at the rate of the last half minute; none: nothing waits, or it is not
  /// known.
  [[nodiscard]] std::optional<double> seconds_to_finish(const schema::VectorizerStatus& vectorizer) const;
};

/// Rows per second of all workers between two updates.
class RowRate {
 public:
  /// None at the first update, and if a worker has left since the last update.
  std::optional<double> update(const std::vector<schema::WorkerStatus>& workers, Instant now);

 private:
  Instant at_{};
  std::int64_t rows_ = 0;
};

/// Reads the status again and again over one connection.
class StatusReader {
 public:
  /// `settings` must outlive the reader. Errors: the connection's.
  static Result<StatusReader> open(const Settings& settings);
  /// The same over a connection of the caller's.
  StatusReader(const Settings& settings, pg::Connection db) : settings_(&settings), db_(std::move(db)) {}
  Result<StatusReport> read();

 private:
  const Settings* settings_;
  pg::Connection db_;
  RowRate rate_;
  RowRates rates_;
};

/// Whether rows of the vectorizer wait to be embedded, or to be walked.
bool waits(const schema::VectorizerStatus& vectorizer);

/// How many were heard of within the last minute. A worker that was killed is listed for longer.
std::int64_t living(const std::vector<schema::WorkerStatus>& workers);

/// The vectorizer's condition in one or two words of at most eleven characters, such as "current" or "no
/// worker". `workers`: at least one worker runs.
std::string_view condition_of(const schema::VectorizerStatus& vectorizer, bool workers);

}  // namespace embedd::app
