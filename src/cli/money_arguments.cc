#include "cli/money_arguments.h"

#include <charconv>
#include <cmath>
#include <optional>

#include "cli/budget_text.h"

namespace embedd::cli {
namespace {

template <typename Number>
std::optional<Number> number(const std::string& text) {
  Number value{};
  const char* end = text.data() + text.size();
  if (std::from_chars(text.data(), end, value).ptr != end) return std::nullopt;
  return value;
}

std::optional<double> dollars(const std::string& text) {
  const auto usd = number<double>(text);
  return usd && *usd > 0 && *usd <= kMostUsd ? usd : std::nullopt;
}

std::optional<std::int64_t> tokens(const std::string& text) {
  const auto count = number<std::int64_t>(text);
  return count && *count > 0 && *count <= kMostTokens ? count : std::nullopt;
}

template <typename Parse>
CLI::Validator limit(Parse parse, bool none, const char* what) {
  return {[parse, none, what](const std::string& text) {
            if (parse(text) || (none && text == "none")) return std::string();
            return what + std::string(none ? ", or none" : "");
          },
          ""};
}

constexpr const char* kUsd = "must be a number of dollars, more than 0";
constexpr const char* kTokens = "must be a whole number of tokens, more than 0";

}  // namespace

void add_new_budget_options(CLI::App& command, const std::shared_ptr<schema::VectorizerSpec>& create) {
  command
      .add_option_function<std::string>(
          "--budget-usd-per-day", [create](const std::string& text) { create->budget.usd = dollars(text); },
          "Buy for this much in a day (UTC), and go on the next day [no limit]")
      ->check(limit(dollars, false, kUsd));
  command
      .add_option_function<std::string>(
          "--budget-tokens-per-day",
          [create](const std::string& text) { create->budget.tokens = tokens(text); },
          "Buy this many tokens in a day (UTC) [no limit]")
      ->check(limit(tokens, false, kTokens));
}

void add_budget_options(CLI::App& command, const std::shared_ptr<BudgetArguments>& arguments) {
  command.add_option("NAME", arguments->name, "The vectorizer")->required();
  command
      .add_option_function<std::string>(
          "--usd-per-day", [arguments](const std::string& text) { arguments->change.usd = dollars(text); },
          "Dollars of a day (UTC), or none")
      ->check(limit(dollars, true, kUsd));
  command
      .add_option_function<std::string>(
          "--tokens-per-day",
          [arguments](const std::string& text) { arguments->change.tokens = tokens(text); },
          "Tokens of a day (UTC), or none")
      ->check(limit(tokens, true, kTokens));
}

void add_usage_options(CLI::App& command, const std::shared_ptr<UsageArguments>& arguments) {
  command.add_option("--by", arguments->by, "A line for each vectorizer, model, day [vectorizer,model]")
      ->delimiter(',')
      ->check(CLI::IsMember({"vectorizer", "model", "day"}));
  command.add_option("--since", arguments->since,
                     "Since this day, such as 2026-11-28, or this long, such as 7d [the beginning]");
}

}  // namespace embedd::cli
