/// Reads what `embedd status` shows: vectorizers with their queues, workers, and spending.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/freshness_counts.h"
#include "pg/connection.h"
#include "schema/vectorizers.h"

namespace embedd::schema {

/// Counts stop at this number, so that a status never reads all of a large table.
inline constexpr std::int64_t kCountLimit = 10'000;

/// A problem that keeps rows waiting, as workers report it.
struct ReportedProblem {
  std::string state;  ///< resting, locked, or the endpoint's state, such as quota_exhausted
  std::string message;
  std::int64_t workers = 0;  ///< workers that report it
  std::optional<double>
      stopped_seconds;  ///< no worker runs: time since the last worker stopped and reported it
};

/// How far the covered rows are embedded. Absent: not known.
struct RowsDone {
  std::optional<std::int64_t> all;   ///< rows that are covered: exact up to kCountLimit, then an estimate
  std::optional<std::int64_t> done;  ///< of these, neither waiting nor dead letters
  bool exact = false;
};

struct VectorizerStatus {
  VectorizerInfo info;
  std::string source;     ///< schema.table, quoted where needed
  std::int64_t jobs = 0;  ///< exact up to kCountLimit, then an estimate
  bool jobs_exact = true;
  std::int64_t due = 0;                      ///< up to kCountLimit
  std::int64_t leased = 0;                   ///< up to kCountLimit
  std::optional<double> oldest_age_seconds;  ///< how long the oldest due job has been due
  std::optional<double> next_try_seconds;    ///< until the first job that waits for its next try is due
  std::int64_t unwalked_rows =
      0;  ///< of a table that was not walked yet, up to kCountLimit; or that users held
  std::int64_t dead_letters = 0;               ///< up to kCountLimit
  std::optional<std::string> walked_at;        ///< ISO 8601, UTC; absent: not yet
  std::optional<std::string> walk_put_off_at;  ///< the same; later walks were put off: nothing changed
  bool index_wanted = false;                   ///< `vectorizer reindex` has something to build
  std::int64_t chunks_id = 0;  ///< of a store: the vectorizer of its chunks, which is not listed
  std::optional<std::int64_t> chunks_waiting;  ///< of a store: without a vector yet, up to kCountLimit
  RowsDone rows;
  FreshnessCounts freshness;           ///< of the last hour, up to a minute ago
  std::string text_search;             ///< the configuration of full-text search; empty: none
  std::optional<std::string> problem;  ///< such as a source table that is gone
  std::vector<ReportedProblem>
      reported_problems;            ///< its own and its endpoint's, each said by most workers first
  std::optional<std::string> note;  ///< such as changes that only the next walk finds
  std::optional<double> budget_usd_per_day;
  std::optional<std::int64_t> budget_tokens_per_day;
  bool budget_spent = false;  ///< all of today's budget is reserved or spent
};

struct WorkerStatus {
  std::string id;
  std::string hostname;
  int pid = 0;
  std::string version;
  double up_seconds = 0;
  double silent_seconds = 0;  ///< since the last heartbeat
  std::int64_t rows_embedded = 0;
  int requests_in_flight = 0;
  int leases = 0;
  bool draining = false;
  std::vector<std::string> problems{};  ///< that keep it from embedding, in words
};

/// An endpoint as running workers find it.
struct EndpointStatus {
  std::string name;
  std::string state;    ///< that most workers report
  std::string message;  ///< why; empty: the endpoint is ready
  std::int64_t workers = 0;
  double in_flight = 0;          ///< requests, of all workers
  double concurrency = 0;        ///< requests in flight that the workers found the endpoint to be worth
  double inputs_per_second = 0;  ///< while it is busy; 0: not known
};

struct UsageStatus {
  std::string vectorizer;  ///< its name, or #id if it was dropped
  std::string model;
  std::int64_t requests = 0;
  std::int64_t rows = 0;
  std::int64_t tokens = 0;
  std::optional<double> cost_usd;    ///< of the tokens whose price is known; none: of no token
  std::int64_t unpriced_tokens = 0;  ///< of the tokens; if not 0, cost_usd is not all of the cost
};

struct Status {
  std::vector<VectorizerStatus> vectorizers;
  std::vector<WorkerStatus> workers;      ///< those with a heartbeat within the last 10 minutes
  std::vector<EndpointStatus> endpoints;  ///< by name
  std::vector<UsageStatus> usage_today;
  std::vector<UsageStatus> usage_total;
  std::optional<double>
      original_usd;  ///< if this is a copy: what its original had cost, as copied usage says
};

Result<Status> read_status(pg::Connection& db);

}  // namespace embedd::schema
