#include "cli/budget_text.h"

#include <fmt/format.h>

namespace embedd::cli {

std::string budget_text(const schema::DailyBudget& budget) {
  std::string words;
  if (budget.usd) words = fmt::format("USD {}", *budget.usd);
  if (budget.tokens) words += fmt::format("{}{} tokens", words.empty() ? "" : " and ", *budget.tokens);
  return words.empty() ? "no budget" : words + " a day";
}

void write_budget(JsonWriter& json, const schema::DailyBudget& budget) {
  json.key("budget").object().key("usd_per_day");
  budget.usd ? json.value(*budget.usd) : json.null();
  json.key("tokens_per_day");
  budget.tokens ? json.value(*budget.tokens) : json.null();
  json.end();
}

}  // namespace embedd::cli
