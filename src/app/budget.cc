#include "app/budget.h"

#include <fmt/format.h>

#include <utility>

#include "app/database.h"

namespace embedd::app {

Result<void> check_budget(const Settings& settings, std::string_view endpoint, std::string_view model,
                          const schema::DailyBudget& budget) {
  const provider::EndpointConfig* config = settings.endpoint(endpoint);
  const bool endpoints = config != nullptr && config->limits.budget.nano_usd;
  if ((!budget.usd && !endpoints) || settings.prices.usd_per_million_tokens(endpoint, model)) return {};
  return fail(
      ErrorKind::invalid_argument,
      fmt::format("the price of {1} is not known, so the budget in dollars{2} cannot be kept: set the "
                  "price in embedd.toml ([price] \"{0}/{1}\" = USD per million tokens), or give the "
                  "budget in tokens",
                  endpoint, model, budget.usd ? "" : fmt::format(" of the endpoint {}", endpoint)));
}

Result<BudgetReport> change_budget(const Settings& settings, std::string_view name,
                                   const schema::BudgetChange& change) {
  auto db = TRY(connect(settings));
  auto info = TRY(schema::find_vectorizer(db, name));
  if (!change.usd && !change.tokens) return BudgetReport{.vectorizer = std::move(info)};
  if (change.usd && *change.usd)
    TRY(check_budget(settings, info.endpoint, info.model, {.usd = *change.usd, .tokens = {}}));
  info.budget = TRY(schema::change_budget(db, name, change));
  return BudgetReport{.vectorizer = std::move(info), .changed = true};
}

}  // namespace embedd::app
