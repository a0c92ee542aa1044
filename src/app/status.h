/// The status of vectorizers and workers, the spending, and what this process knows about the endpoints.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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
  std::optional<double> rows_per_second;  ///< of all workers since the last read(); none at the first

  /// Null if no endpoint has that name.
  [[nodiscard]] const EndpointState* endpoint(std::string_view name) const;
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
  Result<StatusReport> read();

 private:
  StatusReader(const Settings& settings, pg::Connection db) : settings_(&settings), db_(std::move(db)) {}

  const Settings* settings_;
  pg::Connection db_;
  RowRate rate_;
};

/// Whether rows of the vectorizer wait to be embedded, or to be walked.
bool waits(const schema::VectorizerStatus& vectorizer);

/// The vectorizer's condition in one or two words of at most eleven characters, such as "current" or "no
/// worker". `workers`: at least one worker runs.
std::string_view condition_of(const schema::VectorizerStatus& vectorizer, bool workers);

}  // namespace embedd::app
