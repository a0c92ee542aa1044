#include "core/prices.h"

#include <algorithm>
#include <cmath>

#include "core/models.h"

namespace embedd {
namespace {

struct ListPrice {
  std::string_view model;
  double usd;  ///< per million tokens, without discounts for batches or free quotas
};

/// As of kPricesAsOf. Only models that nobody can run for himself are listed: the same name at another server
/// would cost something else.
constexpr ListPrice kListPrices[] = {
    // openai.com/api/pricing
    {"text-embedding-3-small", 0.02},
    {"text-embedding-3-large", 0.13},
    {"text-embedding-ada-002", 0.10},
    // docs.voyageai.com/docs/pricing
    {"voyage-4-large", 0.12},
    {"voyage-4", 0.06},
    {"voyage-4-lite", 0.02},
    {"voyage-3-large", 0.18},
    {"voyage-3.5", 0.06},
    {"voyage-3.5-lite", 0.02},
    {"voyage-code-3", 0.18},
    {"voyage-finance-2", 0.12},
    {"voyage-law-2", 0.12},
    // mistral.ai/pricing
    {"mistral-embed", 0.10},
    // The built-in embedder computes here.
    {kLocalModel, 0},
};

}  // namespace

std::optional<double> Prices::usd_per_million_tokens(std::string_view endpoint,
                                                     std::string_view model) const {
  if (const auto own = own_.find({std::string(endpoint), std::string(model)}); own != own_.end())
    return own->second;
  const auto* listed = std::ranges::find(kListPrices, model, &ListPrice::model);
  return listed == std::end(kListPrices) ? std::nullopt : std::optional(listed->usd);
}

std::optional<double> Prices::usd_of(std::string_view endpoint, std::string_view model,
                                     std::uint64_t tokens) const {
  const std::optional<double> price = usd_per_million_tokens(endpoint, model);
  if (!price) return std::nullopt;
  return *price * static_cast<double>(tokens) / 1e6;
}

std::optional<std::int64_t> Prices::nano_usd_of(std::string_view endpoint, std::string_view model,
                                                std::uint64_t tokens) const {
  const std::optional<double> price = usd_per_million_tokens(endpoint, model);
  if (!price) return std::nullopt;
  // A price of 0.02 is 20 billionths a token; the product is rounded before it is rounded up, because 0.02 is
  // not exactly a double.
  constexpr double kExact = 1e-12, kMost = 9e18;
  const double nano = *price * 1e3 * static_cast<double>(tokens);
  return static_cast<std::int64_t>(std::clamp(std::ceil(nano - kExact * std::max(nano, 1.0)), 0.0, kMost));
}

}  // namespace embedd
