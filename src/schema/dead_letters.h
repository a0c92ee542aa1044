/// Dead letters: jobs that can never succeed, kept with the reason until a person decides.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "core/job.h"
#include "pg/connection.h"

namespace embedd::schema {

/// A filter for dead letters; an empty field matches all.
struct DeadLetterFilter {
  std::string vectorizer;  ///< by name
  std::string key;         ///< JSON such as {"id": 5}, or the bare value of a single key column
  std::string kind;        ///< such as rejected
  std::string older_than;  ///< least time since it failed: 7d, 12h, 30min, or any interval of PostgreSQL's
  std::string newer_than;  ///< most time since it failed
};

struct DeadLetter {
  std::string vectorizer;
  std::string key;  ///< JSON
  std::string kind;
  std::string message;
  int attempts = 0;
  std::string failed_at;  ///< ISO 8601, UTC
};

/// Calls `visit` for each dead letter, newest first, at most `limit`; a thousand are in memory at a time.
Result<void> visit_dead_letters(pg::Connection& db, const DeadLetterFilter& filter, int limit,
                                const std::function<void(const DeadLetter&)>& visit);

/// How many there are of each kind, of one vectorizer: at most `limit` are counted.
Result<std::map<std::string, std::int64_t>> count_dead_letters(pg::Connection& db, VectorizerId vectorizer,
                                                               int limit);

/// Puts the dead letters back into their queues, due now. Returns how many.
Result<std::int64_t> retry_dead_letters(pg::Connection& db, const DeadLetterFilter& filter);

/// Deletes the dead letters; their rows have no vector until their text changes. Returns how many.
Result<std::int64_t> purge_dead_letters(pg::Connection& db, const DeadLetterFilter& filter);

}  // namespace embedd::schema
