#include "core/prices.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

TEST(Prices, AreOfAListUnlessTheConfigurationNamesThem) {
  Prices prices;
  EXPECT_EQ(prices.usd_per_million_tokens("openai", "text-embedding-3-small"), 0.02);
  EXPECT_EQ(prices.usd_per_million_tokens("anywhere", "text-embedding-3-small"), 0.02);
  prices.set("azure", "text-embedding-3-small", 0.03);
  EXPECT_EQ(prices.usd_per_million_tokens("azure", "text-embedding-3-small"), 0.03);
  EXPECT_EQ(prices.usd_per_million_tokens("openai", "text-embedding-3-small"), 0.02);
}

TEST(Prices, OfOtherModelsAreUnknownNotZero) {
  Prices prices;
  EXPECT_EQ(prices.usd_of("ollama", "nomic-embed-text", 1'000), std::nullopt);
  EXPECT_EQ(prices.nano_usd_of("ollama", "nomic-embed-text", 1'000), std::nullopt);
  prices.set("ollama", "nomic-embed-text", 0);
  EXPECT_EQ(prices.usd_of("ollama", "nomic-embed-text", 1'000), 0.0);
  EXPECT_EQ(prices.usd_of("local", "local-hashing-v1", 1'000), 0.0);
}

TEST(Prices, AreCountedInBillionthsAndRoundedUp) {
  Prices prices;
  EXPECT_EQ(prices.nano_usd_of("openai", "text-embedding-3-small", 1'000'000), 20'000'000);
  for (std::uint64_t tokens = 0; tokens < 5'000; ++tokens)
    EXPECT_EQ(prices.nano_usd_of("openai", "text-embedding-3-small", tokens), 20 * tokens);
  prices.set("cheap", "model", 0.0001);  // a tenth of a billionth a token
  EXPECT_EQ(prices.nano_usd_of("cheap", "model", 0), 0);
  EXPECT_EQ(prices.nano_usd_of("cheap", "model", 1), 1);
  EXPECT_EQ(prices.nano_usd_of("cheap", "model", 10), 1);
  EXPECT_EQ(prices.nano_usd_of("cheap", "model", 11), 2);
  prices.set("dear", "model", 1e9);
  EXPECT_EQ(prices.nano_usd_of("dear", "model", 1'000'000'000'000), 9'000'000'000'000'000'000);
}

}  // namespace
}  // namespace embedd
