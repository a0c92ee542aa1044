// How texts are made to fit, and what a refusal teaches of those that wait.
#include "core/text_fitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_parts.h"

namespace embedd {
namespace {

using test::WorkerParts;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

class Fitting : public WorkerParts {
 protected:
  Fitting() {
    tokens.as_the_model = true;
    embedder.endpoint_limits.max_input_tokens = 1000;
    gate().refresh(KeyState::present, 1, embedder.endpoint_limits);
  }
  LeasedJob text_of(const Key& key, std::size_t tokens) { return job(key, std::string(tokens, key.front())); }
  bool fit(LeasedJob& leased) { return fitter.fit(notes, fitter.rules(notes), leased); }
  /// A request of these texts is refused, by a server that takes `most` tokens and found `found`.
  bool heed(Batch& batch, std::uint64_t most, std::uint64_t found) {
    return fitter.heed(notes, batch, {.text_tokens = most, .found_tokens = found}, now);
  }
  Batch request(std::vector<LeasedJob> jobs) {
    return {.vectorizer = notes.vectorizer, .jobs = std::move(jobs)};
  }
  void wait_in_buffer(const Key& key, std::size_t tokens) { notes.buffer.push_back(text_of(key, tokens)); }
  /// Keys and lengths of what waits.
  std::vector<std::pair<Key, std::size_t>> waiting() {
    std::vector<std::pair<Key, std::size_t>> out;
    for (const auto* some : {&notes.buffer.fresh(), &notes.buffer.suspects()})
      for (const LeasedJob& leased : *some) out.emplace_back(leased.job.key, leased.job.text.size());
    return out;
  }

  TextFitter fitter{state, keeper};
};

TEST_F(Fitting, TheLeastLimitHolds) {
  EXPECT_EQ(fitter.rules(notes).most_tokens(), 1000U) << "the configuration's";
  notes.limits.begin_with({.text_tokens = 500});
  EXPECT_EQ(fitter.rules(notes).most_tokens(), 500U) << "what was learned";
  notes.limits.begin_with({.text_tokens = 5000});
  EXPECT_EQ(fitter.rules(notes).most_tokens(), 1000U);
}

TEST_F(Fitting, ATextHasNoMorePiecesThanARequestHasInputs) {
  embedder.endpoint_limits.max_inputs = 3;
  gate().refresh(KeyState::present, 1, embedder.endpoint_limits);
  notes.vectorizer.long_texts = LongTexts::average;
  LeasedJob leased = text_of("a", 4500);
  EXPECT_TRUE(fit(leased));
  EXPECT_EQ(leased.pieces.size(), 3U);
  EXPECT_THAT(told(), ElementsAre("truncated to 3000 tokens"));
}

TEST_F(Fitting, ATextThatIsCutIsToldOf) {
  LeasedJob leased = text_of("a", 1001), whole = text_of("b", 1000);
  EXPECT_TRUE(fit(leased));
  EXPECT_TRUE(fit(whole));
  EXPECT_EQ(leased.job.text.size(), 1000U);
  EXPECT_THAT(told(), ElementsAre("truncated to 1000 tokens"));
}

TEST_F(Fitting, ATextThatMayNotBeCutDoesNotFitAndStaysAsItWas) {
  notes.vectorizer.long_texts = LongTexts::discard;
  LeasedJob leased = text_of("a", 1001);
  EXPECT_FALSE(fit(leased));
  EXPECT_EQ(leased.job.text.size(), 1001U);
  EXPECT_THAT(told(), IsEmpty());
}

TEST_F(Fitting, ARefusalCutsTheTextsOfItsRequestAndThoseThatWait) {
  wait_in_buffer("c", 900);
  wait_in_buffer("d", 300);
  Batch batch = request({text_of("a", 800), text_of("b", 200)});
  EXPECT_TRUE(heed(batch, 400, 800));
  EXPECT_EQ(batch.jobs[0].job.text.size(), 400U);
  EXPECT_EQ(batch.jobs[1].job.text.size(), 200U);
  EXPECT_THAT(waiting(), ElementsAre(Pair("c", 400), Pair("d", 300)));
  EXPECT_EQ(fitter.rules(notes).most_tokens(), 400U) << "and later ones";
}

TEST_F(Fitting, WhatMayNotBeCutAndIsTooLongBecomesADeadLetterWhereverItWaits) {
  notes.vectorizer.long_texts = LongTexts::discard;
  wait_in_buffer("c", 900);
  wait_in_buffer("d", 300);
  Batch batch = request({text_of("a", 800), text_of("b", 200)});
  EXPECT_TRUE(heed(batch, 400, 800));
  ASSERT_EQ(batch.jobs.size(), 1U);
  EXPECT_EQ(batch.jobs.front().job.key, "b");
  EXPECT_THAT(waiting(), ElementsAre(Pair("d", 300)));
  const std::string why =
      " for too_large: the text has more than 400 tokens, and the vectorizer's long_texts says discard";
  EXPECT_THAT(settled(), ElementsAre("discard c" + why, "discard a" + why));
}

TEST_F(Fitting, ANumberOfTheWholeRequestIsNotThatOfAText) {
  Batch batch = request({text_of("a", 300), text_of("b", 300)});
  EXPECT_FALSE(heed(batch, 400, 600));
  EXPECT_EQ(batch.jobs.front().job.text.size(), 300U);
  EXPECT_EQ(fitter.rules(notes).most_tokens(), 1000U) << "nothing is learned";
}

TEST_F(Fitting, MarksOfBeginningAndEndAreTheServersOwn) {
  Batch batch = request({text_of("a", 300)});
  EXPECT_TRUE(heed(batch, 200, 302));
}

TEST_F(Fitting, NumbersThatChangeNothingAreNotHeeded) {
  Batch batch = request({text_of("a", 30)});
  EXPECT_FALSE(heed(batch, 20, 30)) << "no limit is less than 32 tokens";
}

TEST_F(Fitting, ATextIsCutByNumbersEightTimesAtMost) {
  Batch batch = request({text_of("a", 800)});
  int heeded = 0;
  for (std::uint64_t most = 790; heed(batch, most, batch.jobs.front().job.text.size()); most -= 10) ++heeded;
  EXPECT_EQ(heeded, 8);
}

TEST_F(Fitting, ATextThatIsRefusedWithoutANumberIsHalvedAndAskedForAgain) {
  fitter.shrink(notes, text_of("a", 800), {ErrorKind::too_large, "too long"}, now);
  EXPECT_THAT(waiting(), ElementsAre(Pair("a", 400)));
  EXPECT_THAT(told(), ElementsAre("truncated to 400 tokens"));
  EXPECT_EQ(fitter.rules(notes).most_tokens(), 1000U) << "others may have fewer tokens in a byte";
}

TEST_F(Fitting, OfATextInPiecesHalfTravelFirst) {
  notes.vectorizer.long_texts = LongTexts::average;
  LeasedJob leased = text_of("a", 3900);
  ASSERT_TRUE(fit(leased));
  ASSERT_EQ(leased.pieces.size(), 4U);
  fitter.shrink(notes, std::move(leased), {ErrorKind::too_large, "too long"}, now);
  ASSERT_EQ(notes.buffer.size(), 1U);
  EXPECT_EQ(notes.buffer.fresh().front().pieces.size(), 2U);
  EXPECT_TRUE(notes.buffer.fresh().front().narrowed);
}

TEST_F(Fitting, WhereTokensAreOnlyBoundedTheLimitIsLearnedAndHoldsForWhatWaits) {
  tokens.as_the_model = false;
  wait_in_buffer("b", 900);
  fitter.shrink(notes, text_of("a", 800), {ErrorKind::too_large, "too long"}, now);
  EXPECT_EQ(fitter.rules(notes).most_tokens(), 400U);
  EXPECT_THAT(waiting(), ElementsAre(Pair("b", 400), Pair("a", 400)));
}

TEST_F(Fitting, ATextThatIsRefusedHoweverShortBecomesADeadLetter) {
  fitter.shrink(notes, text_of("a", 64), {ErrorKind::too_large, "too long"}, now);
  EXPECT_THAT(waiting(), IsEmpty());
  EXPECT_THAT(settled(), ElementsAre("discard a for too_large: too long"));
}

// Invariant: once a limit is learned, all texts that wait have been fitted by that limit.
TEST_F(Fitting, NothingThatWaitsIsLongerThanWhatWasLearned) {
  for (const LongTexts long_texts : {LongTexts::truncate, LongTexts::average, LongTexts::discard}) {
    notes.vectorizer.long_texts = long_texts;
    notes.limits.begin_with({});
    for (std::size_t tokens = 100; tokens <= 1000; tokens += 100) {
      LeasedJob leased = text_of("a", tokens);
      ASSERT_TRUE(fit(leased));
      notes.buffer.push_back(std::move(leased));
    }
    for (const std::uint64_t most : {950, 500, 470, 90}) {
      Batch batch = request({text_of("b", most + 20)});
      heed(batch, most, most + 20);
      for (const LeasedJob& leased : notes.buffer.fresh()) {
        EXPECT_LE(longest_input(leased).size(), most) << name_of(long_texts);
      }
    }
    notes.buffer.take_all();
  }
}

}  // namespace
}  // namespace embedd
