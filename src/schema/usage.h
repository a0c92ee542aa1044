/// Reads what was bought: sums of embedd.usage.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pg/connection.h"

namespace embedd::schema {

struct UsageQuery {
  bool by_vectorizer = false, by_model = false, by_day = false;  ///< none of them: one sum
  std::string since;  ///< a day such as 2026-11-28, or a length of time such as 7d; empty: from the beginning
};

struct UsageSum {
  std::string vectorizer;  ///< its name, or #id if it was dropped; empty unless asked for
  std::string model;       ///< the same
  std::string day;         ///< the same; UTC, ISO 8601
  std::int64_t requests = 0, rows = 0, tokens = 0;
  std::optional<double> cost_usd;    ///< of the tokens whose price is known; none: of no token
  std::int64_t unpriced_tokens = 0;  ///< of the tokens; if not 0, cost_usd is not all of the cost
};

/// The usage of a store's chunks counts as that of the store's vectorizer, but its rows do not. Usage that a
/// copy of a database brought along is left out. Errors: invalid_argument (`since`), the connection's.
Result<std::vector<UsageSum>> sum_usage(pg::Connection& db, const UsageQuery& query);

}  // namespace embedd::schema
