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

}  // namespace
}  // namespace embedd::sim
