/// How far every vectorizer is, who works, what was spent, and what this side can say of the endpoints.
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

/// Of an endpoint that is configured here.
struct EndpointState {
  std::string name;
  provider::Dialect dialect = provider::Dialect::openai;
  bool has_key = false;        ///< or needs none
  std::string how_to_set_key;  ///< what to do where there is none
};

struct StatusReport {
  schema::Status status;
  std::vector<EndpointState> endpoints;
  std::optional<double> rows_per_second;  ///< of all workers since the last look; none at the first

  /// Null if no endpoint has that name.
  [[nodiscard]] const EndpointState* endpoint(std::string_view name) const;
};

/// Rows per second of all workers between two looks.
class RowRate {
 public:
  /// None at the first look, and where a worker has left since the last one.
  std::optional<double> update(const std::vector<schema::WorkerStatus>& workers, Instant now);

 private:
  Instant at_{};
  std::int64_t rows_ = 0;
};

/// Looks again and again over one connection.
class StatusReader {
 public:
  /// `settings` must outlive it. Errors: the connection's.
  static Result<StatusReader> open(const Settings& settings);
  Result<StatusReport> read();

 private:
  StatusReader(const Settings& settings, pg::Connection db) : settings_(&settings), db_(std::move(db)) {}

  const Settings* settings_;
  pg::Connection db_;
  RowRate rate_;
};

/// Whether rows of it wait to be embedded, or to be looked at.
bool waits(const schema::VectorizerStatus& vectorizer);

/// How it stands, in one or two words of at most eleven characters, such as "current" or "no worker".
/// `workers`: some run.
std::string_view condition_of(const schema::VectorizerStatus& vectorizer, bool workers);

}  // namespace embedd::app
