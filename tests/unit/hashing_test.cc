#include "text/hashing.h"
#include "core/models.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace embedd {
namespace {

std::vector<float> embed(std::string_view text, std::size_t dimensions = 1536) {
  std::vector<float> out(dimensions, 7.0F);
  hash_embed(text, out);
  return out;
}

double similarity(std::string_view a, std::string_view b, std::size_t dimensions = 1536) {
  const auto x = embed(a, dimensions), y = embed(b, dimensions);
  return std::inner_product(x.begin(), x.end(), y.begin(), 0.0);
}

double length(const std::vector<float>& v) {
  return std::sqrt(std::inner_product(v.begin(), v.end(), v.begin(), 0.0));
}

TEST(HashEmbed, IsTheSameEverywhere) {
  // Pinned: these must not change without a new model id, on any machine.
  const auto v = embed("PostgreSQL refuses connections: too many clients already", 8);
  EXPECT_EQ(std::string(kLocalModel), "local-hashing-v1");
  const std::vector<float> expected = {-0.177566737F,  -0.451321244F, 0.270403951F, -0.0505358577F,
                                       -0.0287543051F, 0.355236113F,  0.699352026F, -0.270174563F};
  EXPECT_EQ(v, expected);
}

TEST(HashEmbed, HasLengthOneForAnyBytesAndAnyDimensions) {
  std::mt19937_64 random(1);
  std::vector<std::string> texts = {" ",
                                    ".",
                                    "!!!",
                                    std::string(1, '\0'),
                                    "\xFF\xFE",
                                    "the",
                                    "日本語のテキスト",
                                    std::string(100'000, 'x'),
                                    "a b",
                                    "\xE2\x82",
                                    "😀"};
  for (int i = 0; i < 200; ++i) {
    std::string text(random() % 300 + 1, '\0');
    std::ranges::generate(text, [&] { return static_cast<char>(random()); });
    texts.push_back(text);
  }
  for (const std::string& text : texts) {
    for (const std::size_t dimensions : {8, 9, 256, 1536, 3072}) {
      EXPECT_NEAR(length(embed(text, dimensions)), 1.0, 1e-5);
    }
  }
  EXPECT_EQ(length(embed("")), 0.0);
}

TEST(HashEmbed, IgnoresCaseAndPunctuation) {
  EXPECT_NEAR(similarity("Could NOT resolve host: GitHub.com", "could not resolve host github com"), 1, 1e-6);
  EXPECT_NEAR(similarity("ÉCOLE Ελλάς ПРИВЕТ Žluťoučký", "école ελλάς привет žluťoučký"), 1, 1e-6);
}

TEST(HashEmbed, FindsSharedWordsFirst) {
  const std::vector<std::string> documents = {
      "git push is rejected because the remote contains work that you do not have locally",
      "docker container exits immediately after it starts, with code 0 and no logs",
      "PostgreSQL too many connections: remaining connection slots are reserved",
      "npm install fails with ERESOLVE unable to resolve dependency tree",
      "nginx returns 502 bad gateway when the upstream closes the connection",
      "ssh asks for a password although the public key is installed"};
  const auto best = [&](std::string_view query) {
    return std::ranges::max_element(documents, {},
                                    [&](const std::string& d) { return similarity(query, d); }) -
           documents.begin();
  };
  EXPECT_EQ(best("why does my push get rejected by the remote"), 0);
  EXPECT_EQ(best("container stops at once, exit code 0"), 1);
  EXPECT_EQ(best("how to raise the number of postgres connections"), 2);
  EXPECT_EQ(best("resolving dependencies fails in npm"), 3);
  EXPECT_EQ(best("what is a bad gateway and how do I use it"), 4);
  EXPECT_EQ(best("the passwords are asked for by ssh"), 5);
}

TEST(HashEmbed, StopWordsHardlyCount) {
  EXPECT_GT(similarity("kubernetes", "the kubernetes is what you have"), 0.9);
  EXPECT_LT(similarity("this is what we have for you", "this is what you have to migrate"), 0.4);
}

TEST(HashEmbed, DropsThePluralsS) {
  EXPECT_NEAR(similarity("pods restarts", "pod restart"), 1, 1e-6);
  EXPECT_LT(similarity("status class analysis", "statu clas analysi"), 0.7);
}

TEST(HashEmbed, WordsThatMeetByChanceLookLittleAlike) {
  double most = 0;
  for (int i = 0; i < 3000; ++i) {
    most = std::max(most, similarity("w" + std::to_string(i * 7919), "kubernetes"));
  }
  EXPECT_LT(most, 0.3);
}

TEST(HashEmbed, InflectionsAreNear) {
  EXPECT_GT(similarity("indexes", "indexing"), 0.1);
  EXPECT_LT(std::abs(similarity("indexes", "kubernetes")), 0.1);
}

TEST(HashEmbed, TellsLanguagesWithSymbolsApart) {
  EXPECT_LT(similarity("c++", "c"), 0.5);
  EXPECT_LT(similarity("c++", "c#"), 0.5);
}

TEST(HashEmbed, MatchesScriptsWithoutSpaces) {
  EXPECT_GT(similarity("数据库", "我们的数据库很大"), 0.4);
  EXPECT_LT(std::abs(similarity("天气", "我们的数据库很大")), 0.1);
}

}  // namespace
}  // namespace embedd
