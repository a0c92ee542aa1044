/// Dead letters: jobs that can never succeed, kept with their reason until a person decides.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pg/connection.h"

namespace embedd::pg {

/// Which dead letters; empty fields match all.
struct DeadLetterFilter {
  std::string vectorizer;  ///< by name
  std::string key;         ///< JSON such as {"id": 5}, or the bare value of a single key column
  std::string kind;        ///< such as rejected
};

struct DeadLetter {
  std::string vectorizer;
  std::string key;  ///< JSON
  std::string kind;
  std::string message;
  int attempts = 0;
  std::string failed_at;  ///< ISO 8601, UTC
};

/// Newest first, at most `limit`.
Result<std::vector<DeadLetter>> list_dead_letters(Connection& db, const DeadLetterFilter& filter,
                                                  int limit = 100);

/// Puts them back into their queues, due now. Returns how many.
Result<std::int64_t> retry_dead_letters(Connection& db, const DeadLetterFilter& filter);

/// Forgets them; the rows stay without a vector until their text changes. Returns how many.
Result<std::int64_t> purge_dead_letters(Connection& db, const DeadLetterFilter& filter);

}  // namespace embedd::pg
