#include "core/learned_limits.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

using Step = LimitsMemory::Step;
const LearnedLimits kNone{}, kTen{.inputs = 10}, kNine{.inputs = 9};

/// A memory where tokens are counted as the model does.
struct Memory : LimitsMemory {
  Step polled(const LearnedLimits& ours, const std::optional<LearnedLimits>& remembered) {
    const Decision decision = LimitsMemory::polled(ours, remembered, true);
    limits = decision.limits;
    return decision.step;
  }
  LearnedLimits limits;  ///< of the last decision
};

TEST(LimitsMemory, AsksForNothingWhereNothingWasLearned) {
  Memory memory;
  EXPECT_EQ(memory.polled(kNone, std::nullopt), Step::none);
  EXPECT_EQ(memory.polled(kNone, kNone), Step::none);
}

TEST(LimitsMemory, HasEachLessonWrittenOnce) {
  Memory memory;
  EXPECT_EQ(memory.polled(kTen, std::nullopt), Step::write);
  EXPECT_EQ(memory.polled(kTen, kTen), Step::none);
  EXPECT_EQ(memory.polled(kNine, kTen), Step::write);
  EXPECT_EQ(memory.polled(kNine, kNine), Step::none);
}

TEST(LimitsMemory, WritesAgainWhatGotLost) {
  Memory memory;
  EXPECT_EQ(memory.polled(kTen, std::nullopt), Step::write);
  EXPECT_EQ(memory.polled(kTen, std::nullopt), Step::write);
}

TEST(LimitsMemory, TakesOverWhatOthersLearned) {
  Memory memory;
  EXPECT_EQ(memory.polled(kNone, kTen), Step::adopt);
  memory.adopted(kTen);
  EXPECT_EQ(memory.polled(kTen, kTen), Step::none);
  EXPECT_EQ(memory.polled(kTen, kNine), Step::adopt);
}

TEST(LimitsMemory, TakesOverWhatOthersLearnedOnceOnly) {
  Memory memory;
  EXPECT_EQ(memory.polled(kNone, kTen), Step::adopt);
  memory.adopted(kNine);  // the endpoint says nine
  EXPECT_EQ(memory.polled(kNine, kTen), Step::none);
  EXPECT_EQ(memory.polled(kNine, kTen), Step::none);
}

TEST(LimitsMemory, ALengthThatIsCountedOtherwiseIsNeitherTakenOverNorOverwritten) {
  const LearnedLimits bytes{.inputs = 10, .text_tokens = 2000, .counted = false};
  const LearnedLimits tokens{.inputs = 10, .text_tokens = 500, .counted = true};
  Memory memory;
  EXPECT_EQ(memory.polled(kNone, bytes), Step::adopt);
  EXPECT_EQ(memory.limits, kTen);
  memory.adopted(kTen);
  EXPECT_EQ(memory.polled(kTen, bytes), Step::none);
  EXPECT_EQ(memory.polled(tokens, bytes), Step::write) << "it was learned here";
  EXPECT_EQ(memory.limits, tokens);
  EXPECT_EQ(memory.polled(tokens, tokens), Step::none);
  EXPECT_EQ(memory.polled(tokens, bytes), Step::none) << "somebody else's turn";
}

TEST(LimitsMemory, WhatOthersWroteStaysWhereNothingElseIsKnown) {
  const LearnedLimits parameter{.left_out = {.dimensions = true}};
  const LearnedLimits both{.inputs = 10, .left_out = {.dimensions = true}};
  Memory memory;
  EXPECT_EQ(memory.polled(parameter, kTen), Step::write) << "a new vectorizer beside an old one";
  EXPECT_EQ(memory.limits, both);
  EXPECT_EQ(memory.polled(parameter, both), Step::adopt);
  EXPECT_EQ(memory.limits, both);
  memory.adopted(both);
  EXPECT_EQ(memory.polled(both, both), Step::none);
  const LearnedLimits fresh{};
  EXPECT_EQ(memory.polled(fresh, both), Step::write) << "forgotten here, on purpose";
  EXPECT_EQ(memory.limits, fresh);
}

TEST(LimitsMemory, ForgetsWhatTheDatabaseForgot) {
  Memory memory;
  EXPECT_EQ(memory.polled(kNone, kTen), Step::adopt);
  memory.adopted(kTen);
  EXPECT_EQ(memory.polled(kTen, std::nullopt), Step::forget);
  EXPECT_EQ(memory.polled(kNone, std::nullopt), Step::none);
  EXPECT_EQ(memory.polled(kNine, std::nullopt), Step::write);
  EXPECT_EQ(memory.polled(kNine, kNine), Step::none);
  EXPECT_EQ(memory.polled(kTen, std::nullopt), Step::forget) << "also what was learned since";
}

}  // namespace
}  // namespace embedd
