#include "text/cl100k.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "support/paths.h"
#include "text/cl100k_embedded.h"
#include "text/cl100k_merge.h"
#include "text/utf8.h"

namespace embedd {
namespace {

#define SKIP_WITHOUT_RANKS()     \
  if (cl100k_embedded().empty()) \
  GTEST_SKIP() << "built without the vocabulary; run ./dev setup and configure again"

const Tokenizer& cl100k() {
  static const auto tokenizer = Cl100k::load(cl100k_embedded());
  return **tokenizer;
}

const Cl100kRanks& ranks() {
  static const auto parsed = Cl100kRanks::parse(cl100k_embedded());
  return *parsed;
}

/// The rule, word for word: while any two neighbours are a token, merge the leftmost pair of the lowest rank.
std::vector<std::size_t> merge_by_definition(std::string_view piece) {
  if (ranks().find(piece) != Cl100kRanks::kNone) return {0};
  std::vector<std::size_t> starts(piece.size() + 1);
  for (std::size_t i = 0; i < starts.size(); ++i) starts[i] = i;
  for (;;) {
    std::uint32_t lowest = Cl100kRanks::kNone;
    std::size_t best = 0;
    for (std::size_t i = 0; i + 2 < starts.size(); ++i) {
      const std::uint32_t rank = ranks().find(piece.substr(starts[i], starts[i + 2] - starts[i]));
      if (rank < lowest) lowest = rank, best = i;
    }
    if (lowest == Cl100kRanks::kNone) break;
    starts.erase(starts.begin() + static_cast<std::ptrdiff_t>(best) + 1);
  }
  starts.pop_back();
  return starts;
}

/// Texts of every kind that made a tokenizer wrong or slow: words, code, scripts, white space, runs, noise.
std::string random_text(std::mt19937_64& random, std::size_t size) {
  static const std::vector<std::string> parts = {
      " ",      "  ",     "\n",     "\r\n", "\t",  "the",  "ing",  "'s", "'LL",    "1",
      "2026",   ".",      "==",     "é",    "ß",   "中",   "文",   "😀", "🇩🇪",     "ع",
      "\u180e", "\u2003", "\u0301", "x",    "Zaq", "\xFF", "\xC3", "\0", "한국어", "__"};
  std::string text;
  const std::size_t favourite = random() % parts.size();
  while (text.size() < size) text += parts[random() % 3 == 0 ? favourite : random() % parts.size()];
  return text;
}

TEST(Cl100k, CountsAsTheReferenceDoes) {
  SKIP_WITHOUT_RANKS();
  simdjson::dom::parser parser;
  std::size_t cases = 0;
  for (const simdjson::dom::element item :
       parser.load(test::source_file("tests/unit/data/cl100k_golden.json")).get_array()) {
    const std::uint64_t tokens = item["tokens"];
    const std::string_view unit = item["text"];
    std::uint64_t times = 1;
    if (item["times"].get(times) != simdjson::SUCCESS) times = 1;
    std::string text;
    for (std::uint64_t i = 0; i < times; ++i) text += unit;
    EXPECT_EQ(cl100k().count(text), tokens) << unit << " × " << times;
    ++cases;
  }
  EXPECT_GT(cases, 400U);
}

TEST(Cl100k, MergesLongPiecesAsDefined) {
  SKIP_WITHOUT_RANKS();
  std::mt19937_64 random(1);
  Cl100kMerger merger(ranks());
  for (int round = 0; round < 600; ++round) {
    const std::size_t alphabet = 1 + random() % 26;
    std::string piece(1 + random() % 300, ' ');
    std::ranges::generate(
        piece, [&] { return static_cast<char>(random() % 20 == 0 ? random() : 'a' + random() % alphabet); });
    const std::vector<std::size_t> starts = merge_by_definition(piece);
    ASSERT_EQ(merger.count(piece), starts.size()) << piece;
    for (std::size_t tokens = 0; tokens < starts.size(); ++tokens) {
      ASSERT_EQ(merger.prefix_bytes(piece, tokens), starts[tokens]) << piece;
    }
  }
}

TEST(Cl100k, CountsEveryTokenAsOne) {
  SKIP_WITHOUT_RANKS();
  Cl100kMerger merger(ranks());
  for (std::uint32_t rank = 0; rank < Cl100kRanks::kCount; ++rank) {
    ASSERT_EQ(ranks().find(ranks().token(rank)), rank);
    ASSERT_EQ(merger.count(ranks().token(rank)), 1U);
  }
}

TEST(Cl100k, NeverCountsMoreThanBytes) {
  SKIP_WITHOUT_RANKS();
  std::mt19937_64 random(2);
  for (int round = 0; round < 500; ++round) {
    const std::string text = random_text(random, random() % 500);
    EXPECT_LE(cl100k().count(text), text.size());
  }
}

TEST(Cl100k, CountsBytesThatAreNotUtf8AsOneTokenEach) {
  SKIP_WITHOUT_RANKS();
  EXPECT_EQ(cl100k().count("\xFF\xFE\x80"), 3U);
  EXPECT_EQ(cl100k().count("hello\xC3 world"), cl100k().count("hello") + 1 + cl100k().count(" world"));
}

TEST(Cl100k, CutsToATokenLimit) {
  SKIP_WITHOUT_RANKS();
  EXPECT_EQ(cl100k().prefix_bytes("hello world again", 2), 11U);
  EXPECT_EQ(cl100k().prefix_bytes("hello", 0), 0U);
  EXPECT_EQ(cl100k().prefix_bytes("😀", 1), 0U);  // two tokens, and neither is a character
  EXPECT_EQ(cl100k().prefix_bytes("😀", 2), 4U);
  EXPECT_EQ(cl100k().prefix_bytes("a\xFFgain", 9), 1U);
}

TEST(Cl100k, PrefixesFitAndAreLong) {
  SKIP_WITHOUT_RANKS();
  std::mt19937_64 random(3);
  for (int round = 0; round < 2000; ++round) {
    const std::string text = random_text(random, 1 + random() % 400);
    const std::size_t valid = utf8::valid_prefix(text);
    const std::size_t limit = random() % (cl100k().count(text) + 2);
    const std::size_t bytes = cl100k().prefix_bytes(text, limit);
    const std::size_t tokens = cl100k().count(text.substr(0, bytes));
    ASSERT_LE(bytes, valid);
    ASSERT_TRUE(utf8::valid(text.substr(0, bytes))) << text;
    ASSERT_LE(tokens, limit) << text;
    if (bytes < valid) {  // nothing but a last character, and what its tokens drag along, was given up
      ASSERT_GE(tokens + 8, limit) << text;
    } else {
      ASSERT_EQ(bytes, valid);
    }
  }
}

TEST(Cl100kRanks, AreCompact) {
  SKIP_WITHOUT_RANKS();
  EXPECT_LE(ranks().memory_bytes(), 3U << 20);
}

TEST(Cl100kRanks, RefuseAnythingButTheVocabulary) {
  SKIP_WITHOUT_RANKS();
  const std::string file(cl100k_embedded());
  const auto refuses = [](const std::string& contents) {
    const auto parsed = Cl100kRanks::parse(contents);
    return !parsed && parsed.error().kind == ErrorKind::invalid_argument;
  };
  EXPECT_TRUE(refuses(""));
  EXPECT_TRUE(refuses("<html>404</html>\n"));
  EXPECT_TRUE(refuses(file.substr(0, file.size() / 2)));
  EXPECT_TRUE(refuses(file.substr(0, file.rfind('\n', file.size() - 2) + 1)));
  EXPECT_TRUE(refuses(file + "IQ== 100256\n"));
  EXPECT_TRUE(refuses("IQ== 1" + file.substr(6)));
  std::string doubled = file;
  doubled.replace(doubled.find("Ig== 1"), 4, "IQ==");
  EXPECT_TRUE(refuses(doubled));
}

}  // namespace
}  // namespace embedd
