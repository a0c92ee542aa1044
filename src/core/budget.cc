#include "core/budget.h"

#include <fmt/format.h>

namespace embedd {

std::string in_words(const Budget& budget) {
  std::string words;
  if (budget.tokens) words = fmt::format("{} tokens", *budget.tokens);
  if (!budget.nano_usd) return words;
  return fmt::format("{}{}USD {}", words, words.empty() ? "" : " and ",
                     static_cast<double>(*budget.nano_usd) / 1e9);
}

std::string budget_of_vectorizer(std::int64_t id) { return fmt::format("vectorizer {}", id); }

std::string budget_of_endpoint(std::string_view name) { return fmt::format("endpoint {}", name); }

}  // namespace embedd
