/// Reads embedd.history: what happened to a vectorizer, minute by minute.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/freshness_counts.h"
#include "pg/connection.h"
#include "schema/vectorizers.h"

namespace embedd::schema {

/// The longest history, which is what the table keeps, and the most steps that it is divided into.
inline constexpr int kHistoryMinutes = 7 * 24 * 60;
inline constexpr int kHistorySteps = 720;

struct HistoryStep {
  std::int64_t at = 0;                      ///< the step's beginning, in seconds since 1970
  std::int64_t jobs = 0, dead_letters = 0;  ///< at the step's end
  std::int64_t rows = 0, tokens = 0;        ///< within the step
  FreshnessCounts fresh;
};

struct History {
  int step_seconds = 60;
  /// By time. A step is missing if nothing changed, or if no worker ran.
  std::vector<HistoryStep> steps;
};

/// The last `minutes`, from 1 to kHistoryMinutes. The tokens of a store are those of its chunks.
Result<History> read_history(pg::Connection& db, VectorizerId vectorizer, int minutes);

/// The freshness of the last hour, by vectorizer.
Result<std::map<VectorizerId, FreshnessCounts>> read_freshness(pg::Connection& db);

}  // namespace embedd::schema
