#include "provider/base64.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <vector>

#include "support/expected_vector.h"

namespace embedd {
namespace {

std::optional<std::string> decode(std::string_view text) {
  const auto bytes = provider::base64_bytes(text);
  if (!bytes) return std::nullopt;
  std::string out(*bytes, '\0');
  if (!provider::base64_decode(text, out.data())) return std::nullopt;
  return out;
}

TEST(Base64, TheExamplesOfTheRfc) {
  EXPECT_EQ(decode(""), "");
  EXPECT_EQ(decode("Zg=="), "f");
  EXPECT_EQ(decode("Zm8="), "fo");
  EXPECT_EQ(decode("Zm9v"), "foo");
  EXPECT_EQ(decode("Zm9vYg=="), "foob");
  EXPECT_EQ(decode("Zm9vYmE="), "fooba");
  EXPECT_EQ(decode("Zm9vYmFy"), "foobar");
}

TEST(Base64, PaddingMayBeLeftOut) {
  EXPECT_EQ(decode("Zg"), "f");
  EXPECT_EQ(decode("Zm9vYmE"), "fooba");
}

TEST(Base64, WhatIsEncodedComesBackAtEveryLength) {
  for (int dimensions = 0; dimensions < 200; ++dimensions) {
    const std::vector<float> values = test::expected_vector("text", dimensions);
    std::string text;
    test::append_base64(text, values);
    ASSERT_EQ(provider::base64_bytes(text), values.size() * sizeof(float));
    std::vector<float> out(values.size() + 1, 42.0F);
    ASSERT_TRUE(provider::base64_decode(text, out.data()));
    EXPECT_EQ(out.back(), 42.0F) << "wrote past the end at " << dimensions;
    out.pop_back();
    EXPECT_EQ(out, values);
  }
}

TEST(Base64, OneWrongCharacterAnywhereIsSeen) {
  std::string good;
  test::append_base64(good, test::expected_vector("text", 64));
  std::vector<float> out(64);
  for (std::size_t at = 0; at + 2 < good.size(); ++at)
    for (const char wrong : {'=', '-', '_', ' ', '\n', '\0', '\x80', '\xFF', '@', '[', '`', '{', '.', ':'}) {
      std::string text = good;
      text[at] = wrong;
      ASSERT_FALSE(provider::base64_decode(text, out.data())) << at << " " << static_cast<int>(wrong);
    }
}

TEST(Base64, AnImpossibleLengthIsRefused) {
  EXPECT_EQ(decode("Z"), std::nullopt);
  EXPECT_EQ(decode("Zm9vY"), std::nullopt);
  EXPECT_EQ(decode("===="), std::nullopt);
}

}  // namespace
}  // namespace embedd
