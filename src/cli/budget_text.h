/// How commands show a vectorizer's budget.
#pragma once

#include <cstdint>
#include <string>

#include "base/json.h"
#include "schema/vectorizers.h"

namespace embedd::cli {

/// The largest limits of a day, and the highest price of a million tokens.
inline constexpr double kMostUsd = 1e9;
inline constexpr std::int64_t kMostTokens = 1'000'000'000'000'000'000;

/// "USD 5 and 100000 tokens a day", or "no budget".
std::string budget_text(const schema::DailyBudget& budget);
/// "budget", with "usd_per_day" and "tokens_per_day", each null if there is no such limit.
void write_budget(JsonWriter& json, const schema::DailyBudget& budget);

}  // namespace embedd::cli
