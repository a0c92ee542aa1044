/// The arguments of the commands about money: budgets and usage.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <vector>

#include "schema/usage.h"
#include "schema/vectorizers.h"

namespace embedd::cli {

struct BudgetArguments {
  std::string name;
  schema::BudgetChange change;
};

struct UsageArguments {
  std::vector<std::string> by;
  std::string since;
};

/// Of `vectorizer create` and `vectorizer adopt`.
void add_new_budget_options(CLI::App& command, const std::shared_ptr<schema::VectorizerSpec>& create);
void add_budget_options(CLI::App& command, const std::shared_ptr<BudgetArguments>& arguments);
void add_usage_options(CLI::App& command, const std::shared_ptr<UsageArguments>& arguments);

}  // namespace embedd::cli
