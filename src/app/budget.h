/// Changes what may be bought of a vectorizer in a day.
#pragma once

#include <string>
#include <string_view>

#include "app/settings.h"
#include "base/error.h"
#include "schema/vectorizers.h"

namespace embedd::app {

/// A budget in dollars, of the vectorizer or of its endpoint, needs the model's price. Error:
/// invalid_argument if the price is unknown.
Result<void> check_budget(const Settings& settings, std::string_view endpoint, std::string_view model,
                          const schema::DailyBudget& budget);

struct BudgetReport {
  schema::VectorizerInfo vectorizer;  ///< with the budget that holds from now on
  bool changed = false;
};

/// Changes the limits that `change` names; if it names none, only reads. Errors: invalid_argument (no such
/// vectorizer, or check_budget()'s), the connection's.
Result<BudgetReport> change_budget(const Settings& settings, std::string_view name,
                                   const schema::BudgetChange& change);

}  // namespace embedd::app
