/// What may be bought in a day (UTC, by the database's clock): of a vectorizer, or at an endpoint. All
/// workers of a database keep a budget together, because each reserves what a request may cost before it
/// sends the request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/units.h"

namespace embedd {

/// Tokens, and billionths of a dollar.
struct Cost {
  std::int64_t tokens = 0, nano_usd = 0;
  Cost& operator+=(const Cost& more) {
    tokens += more.tokens;
    nano_usd += more.nano_usd;
    return *this;
  }
  Cost& operator-=(const Cost& less) {
    tokens -= less.tokens;
    nano_usd -= less.nano_usd;
    return *this;
  }
  bool operator==(const Cost&) const = default;
};

struct Budget {
  std::optional<std::int64_t> tokens, nano_usd;  ///< a day; none: no limit
  [[nodiscard]] bool any() const { return tokens || nano_usd; }
  bool operator==(const Budget&) const = default;
};

/// Such as "1000 tokens and USD 0.5".
std::string in_words(const Budget& budget);

/// The names under which all workers know a vectorizer's and an endpoint's budget.
std::string budget_of_vectorizer(std::int64_t id);
std::string budget_of_endpoint(std::string_view name);

/// Asks for a part of a budget: `wanted`, or what is left, but not less than `needed`. The answer is nothing
/// if less than that is left. The first part of a day is granted however large it is: a text that costs more
/// than the whole budget is bought all the same, as the only one of its day.
struct BudgetRequest {
  std::string budget_of;  ///< the name under which all workers know the budget
  Budget budget{};
  std::int64_t day = 0;     ///< when `returned` was reserved
  Cost returned{};          ///< reserved earlier, and not used; negative: what had cost more
  Cost needed{}, wanted{};  ///< both zero: only returns
  [[nodiscard]] bool only_returns() const { return wanted == Cost{}; }
};

struct BudgetAnswer {
  BudgetRequest request;
  struct Part {
    Cost cost{};           ///< zero: the budget is spent
    std::int64_t day = 0;  ///< days since 1970-01-01
    Duration day_left{};   ///< when the database answered
  };
  Result<Part> part;
};

}  // namespace embedd
