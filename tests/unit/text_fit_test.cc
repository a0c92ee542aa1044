// What becomes of long texts, one row each.
#include "core/text_fit.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

/// So many bytes make a token, which may end anywhere.
class EvenTokens : public Tokenizer {
 public:
  EvenTokens(std::size_t bytes, bool exact) : bytes_(bytes), exact_(exact) {}
  [[nodiscard]] std::size_t count(std::string_view text) const override {
    return (text.size() + bytes_ - 1) / bytes_;
  }
  [[nodiscard]] bool exact() const override { return exact_; }
  [[nodiscard]] std::size_t prefix_bytes(std::string_view text, std::size_t max_tokens) const override {
    return std::min(text.size(), max_tokens * bytes_);
  }

 private:
  std::size_t bytes_;
  bool exact_;
};

const EvenTokens kExact(4, true), kBytes(1, false);

struct Case {
  const char* name;
  TextRules rules;
  std::size_t bytes;  ///< of the text
  Fit fit;
  std::size_t bytes_left;
  std::size_t max_tokens;
  bool counted = false;
  std::size_t pieces = 0;
  std::uint32_t max_company = LeasedJob::kAnyCompany;
};

class Texts : public testing::TestWithParam<Case> {};

TEST_P(Texts, AreFitted) {
  LeasedJob leased{.job = {.text = std::string(GetParam().bytes, 'x')}};
  EXPECT_EQ(fit_text(leased, GetParam().rules), GetParam().fit);
  EXPECT_EQ(leased.job.text.size(), GetParam().bytes_left);
  EXPECT_EQ(leased.max_tokens, GetParam().max_tokens);
  EXPECT_EQ(leased.counted, GetParam().counted);
  EXPECT_EQ(leased.pieces.size(), GetParam().pieces);
  EXPECT_EQ(leased.max_company, GetParam().max_company);
}

TextRules exact(LongTexts long_texts, std::size_t most_pieces = 100) {
  return {.tokenizer = kExact, .long_texts = long_texts, .endpoint_tokens = 10, .most_pieces = most_pieces};
}
TextRules bound(LongTexts long_texts, std::size_t endpoint_tokens, std::size_t learned_tokens) {
  return {.tokenizer = kBytes,
          .long_texts = long_texts,
          .endpoint_tokens = endpoint_tokens,
          .learned_tokens = learned_tokens};
}

INSTANTIATE_TEST_SUITE_P(
    FitText, Texts,
    testing::Values(Case{"short_ones_are_not_counted", exact(LongTexts::truncate), 10, Fit::whole, 10, 10},
                    Case{"longer_ones_are_counted", exact(LongTexts::truncate), 40, Fit::whole, 40, 10, true},
                    Case{"too_long_is_cut", exact(LongTexts::truncate), 41, Fit::cut, 40, 10},
                    Case{"too_long_is_discarded", exact(LongTexts::discard), 41, Fit::too_long, 41, 41},
                    Case{"too_long_is_divided", exact(LongTexts::average), 41, Fit::whole, 41, 11, true, 2},
                    Case{"pieces_that_do_not_fit_in_a_request_are_left_out", exact(LongTexts::average, 3),
                         200, Fit::cut, 200, 30, true, 3},
                    Case{"the_lesser_limit_holds", bound(LongTexts::truncate, 100, 50), 60, Fit::cut, 50, 50},
                    // Our count is only a bound: what was learned of one text may not hold for another.
                    Case{"longer_than_what_was_learned_is_tried_alone", bound(LongTexts::discard, 1000, 50),
                         200, Fit::whole, 200, 200, false, 0, 1},
                    Case{"four_times_as_long_is_hopeless", bound(LongTexts::discard, 1000, 50), 204,
                         Fit::too_long, 204, 204},
                    Case{"longer_than_the_endpoint_says_is_hopeless", bound(LongTexts::discard, 100, 50), 101,
                         Fit::too_long, 101, 101}),
    [](const auto& test) { return std::string(test.param.name); });

struct ShrinkCase {
  const char* name;
  std::size_t bytes;
  std::size_t pieces;  ///< of 100 bytes each
  LongTexts long_texts;
  const Tokenizer& tokenizer;
  Shrink shrink;
  std::size_t bytes_left;
  std::size_t pieces_left;
  bool narrowed;
};

class RefusedTexts : public testing::TestWithParam<ShrinkCase> {};

TEST_P(RefusedTexts, Shrink) {
  const ShrinkCase& test = GetParam();
  LeasedJob leased{.job = {.text = std::string(test.bytes, 'x')}, .max_tokens = test.bytes, .counted = true};
  for (std::size_t i = 0; i < test.pieces; ++i)
    leased.pieces.push_back({.begin = 100 * i, .size = 100, .tokens = 25});
  EXPECT_EQ(shrink_text(leased, test.long_texts, test.tokenizer), test.shrink);
  EXPECT_EQ(leased.job.text.size(), test.bytes_left);
  EXPECT_EQ(leased.pieces.size(), test.pieces_left);
  EXPECT_EQ(leased.narrowed, test.narrowed);
  if (test.shrink == Shrink::halved) {
    EXPECT_EQ(leased.max_tokens, test.bytes_left);
  }
  if (test.shrink == Shrink::fewer_pieces) {
    EXPECT_EQ(leased.max_tokens, 25 * test.pieces_left);
  }
}

INSTANTIATE_TEST_SUITE_P(
    ShrinkText, RefusedTexts,
    testing::Values(
        ShrinkCase{"half", 300, 0, LongTexts::truncate, kExact, Shrink::halved, 150, 0, false},
        ShrinkCase{"too_short", 64, 0, LongTexts::truncate, kExact, Shrink::hopeless, 64, 0, false},
        ShrinkCase{"unwanted_in_part", 300, 0, LongTexts::discard, kExact, Shrink::hopeless, 300, 0, false},
        ShrinkCase{"the_limit_is_learned", 300, 0, LongTexts::truncate, kBytes, Shrink::learn, 300, 0, false},
        ShrinkCase{"fewer_pieces_first", 500, 5, LongTexts::average, kBytes, Shrink::fewer_pieces, 500, 2,
                   true},
        ShrinkCase{"half_of_the_last_piece", 500, 1, LongTexts::average, kExact, Shrink::halved, 50, 0,
                   false},
        ShrinkCase{"the_last_piece_is_the_limit", 500, 1, LongTexts::average, kBytes, Shrink::learn, 500, 0,
                   false}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(ShrinkText, NeverEndsInsideACharacter) {
  // 202 bytes, whose half is inside a character of three.
  const std::string text = std::string(99, 'x') + "€" + std::string(100, 'x');
  LeasedJob leased{.job = {.text = text}, .max_tokens = text.size()};
  EXPECT_EQ(shrink_text(leased, LongTexts::truncate, kExact), Shrink::halved);
  EXPECT_EQ(leased.job.text, std::string(99, 'x'));
}

}  // namespace
}  // namespace embedd
