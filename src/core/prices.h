/// What models cost: a table of list prices, and the prices that a configuration sets.
///
///   Prices prices;
///   prices.set("azure", "embeddings", 0.02);   // `[price] "azure/embeddings" = 0.02`
///   prices.usd_of("azure", "embeddings", 1'000'000)   // 0.02
///
/// A price that nobody has named is unknown, which is not 0.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace embedd {

/// When the table of list prices was last compared with its sources.
inline constexpr std::string_view kPricesAsOf = "2026-11-28";

class Prices {
 public:
  /// Overrides the table for this model at this endpoint. `usd`: per million tokens.
  void set(std::string endpoint, std::string model, double usd) {
    own_[{std::move(endpoint), std::move(model)}] = usd;
  }

  /// None: unknown.
  [[nodiscard]] std::optional<double> usd_per_million_tokens(std::string_view endpoint,
                                                             std::string_view model) const;
  [[nodiscard]] std::optional<double> usd_of(std::string_view endpoint, std::string_view model,
                                             std::uint64_t tokens) const;
  /// Billionths of a dollar, rounded up, as far as bigint reaches.
  [[nodiscard]] std::optional<std::int64_t> nano_usd_of(std::string_view endpoint, std::string_view model,
                                                        std::uint64_t tokens) const;

 private:
  std::map<std::pair<std::string, std::string>, double> own_;  ///< by endpoint and model
};

}  // namespace embedd
