// Long texts at an endpoint that takes less than it says.
#include <fmt/format.h>

#include "support/scenario.h"

namespace embedd::sim {
namespace {

class LongTextsInPieces : public Scenario {
 protected:
  void SetUp() override {
    papers = world.add_table("papers", 0);
    table(papers).vectorizer.long_texts = LongTexts::average;
    world.provider.limits.max_input_tokens = 100;
  }
  /// A text of `bytes` bytes of which no piece is another's.
  void put(const std::string& key, std::size_t bytes) {
    std::string text = fmt::format("{:>10} ", key);
    for (int word = 0; text.size() < bytes; ++word) text += fmt::format("{} {}, ", key, word);
    text.resize(bytes);
    world.database.put(papers, key, text, world.now());
  }
  /// Bytes of the longest input that the text `key` was embedded by.
  [[nodiscard]] std::size_t longest_input_of(const std::string& key) const {
    for (const auto& [text, times] : world.provider.billed)
      if (text.starts_with(fmt::format("{:>10} ", key))) return text.size();
    return 0;
  }
  VectorizerId papers = 0;
};

TEST_F(LongTextsInPieces, ThatWereTooManySayNothingAboutTheLengthOfAnInput) {
  world.provider.takes_inputs = 4;
  put("ten pieces", 1000);
  world.start_worker();
  expect_all_true();
  EXPECT_EQ(longest_input_of("ten pieces"), 100U);
  put("two pieces", 150);
  expect_all_true();
  EXPECT_EQ(longest_input_of("two pieces"), 100U) << "cut at the model's limit, not at a learned one";
}

TEST_F(LongTextsInPieces, AreAsManyAsWereTakenBefore) {
  world.provider.takes_inputs = 4;
  put("the first", 1000);
  world.start_worker();
  expect_all_true();
  const auto requests = world.provider.requests;
  for (int i = 0; i < 8; ++i) {
    put(fmt::format("paper {}", i), 1000);
    expect_all_true();
  }
  EXPECT_LE(world.provider.requests - requests, 8U * 2) << "not each finds out by itself";
}

TEST_F(LongTextsInPieces, AreSmallerWhereOneAloneWasTooLong) {
  world.provider.takes_bytes = 60;
  put("ten pieces", 1000);
  world.start_worker();
  expect_all_true();
  EXPECT_TRUE(table(papers).dead.empty());
  EXPECT_EQ(longest_input_of("ten pieces"), 50U);
}

/// A server that takes 256 tokens of a text, and says so; texts have from 2 to 4 bytes a token.
class TextsLongerThanTheServerTakes : public Scenario {
 protected:
  void SetUp() override {
    world.tells = false;
    papers = world.add_table("papers", 0);
    world.provider.takes_tokens = 256;
    world.provider.limits.max_input_tokens = 8191;
    world.options.claim_rows = 256;
  }
  void put_all(int rows, std::size_t bytes = 3000) {
    for (int i = 0; i < rows; ++i) {
      std::string text = fmt::format("{} text {} ", static_cast<char>('a' + i % 3), i);
      for (int word = 0; text.size() < bytes; ++word) text += fmt::format("{} {}, ", i, word);
      world.database.put(papers, fmt::format("paper {}", i), text, world.database_now());
    }
  }
  VectorizerId papers = 0;
};

TEST_F(TextsLongerThanTheServerTakes, AreCutBeforeTheyAreAskedFor) {
  put_all(201);
  world.start_worker();
  expect_all_true();
  EXPECT_TRUE(table(papers).dead.empty());
  EXPECT_LE(world.provider.too_long_texts, 6U);
  for (const auto& [text, times] : world.provider.billed)
    EXPECT_GE(text.size(), 450U) << "no text is cut to much less than fits of the densest";
}

TEST_F(TextsLongerThanTheServerTakes, AreDividedBeforeTheyAreAskedFor) {
  table(papers).vectorizer.long_texts = LongTexts::average;
  put_all(201);
  world.start_worker();
  expect_all_true();
  EXPECT_TRUE(table(papers).dead.empty());
  EXPECT_LE(world.provider.too_long_texts, 6U);
}

TEST_F(TextsLongerThanTheServerTakes, AreDeadLettersAtTheCostOfOneRequestEach) {
  table(papers).vectorizer.long_texts = LongTexts::discard;
  put_all(201, 1200);
  for (int i = 0; i < 50; ++i)
    world.database.put(papers, fmt::format("note {}", i), fmt::format("short text {}", i),
                       world.database_now());
  world.start_worker();
  ASSERT_TRUE(world.run_until([&] { return world.database.jobs() == 0; }, std::chrono::hours(1)));
  EXPECT_EQ(table(papers).dead.size(), 201U);
  EXPECT_LE(world.provider.too_long_texts, 201U + 8U);
}

TEST_F(TextsLongerThanTheServerTakes, EndSomewhereWhateverTheServerSays) {
  world.provider.mood.fault = Error{ErrorKind::too_large, "too long"};
  world.provider.mood.fault->limits = {.text_tokens = 256, .found_tokens = 257};
  world.counts_exactly = true;
  put_all(20);
  world.start_worker();
  ASSERT_TRUE(world.run_until([&] { return world.database.jobs() == 0; }, std::chrono::hours(24)));
  EXPECT_EQ(table(papers).dead.size(), 20U);
  EXPECT_LE(world.provider.requests, 20U * 8);
}

}  // namespace
}  // namespace embedd::sim
