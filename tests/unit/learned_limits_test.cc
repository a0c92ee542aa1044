#include "core/learned_limits.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

using Step = LimitsMemory::Step;
const LearnedLimits kNone{}, kTen{.inputs = 10}, kNine{.inputs = 9};

TEST(LimitsMemory, AsksForNothingWhereNothingWasLearned) {
  LimitsMemory memory;
  EXPECT_EQ(memory.polled(kNone, std::nullopt), Step::none);
  EXPECT_EQ(memory.polled(kNone, kNone), Step::none);
}

TEST(LimitsMemory, HasEachLessonWrittenOnce) {
  LimitsMemory memory;
  EXPECT_EQ(memory.polled(kTen, std::nullopt), Step::write);
  EXPECT_EQ(memory.polled(kTen, kTen), Step::none);
  EXPECT_EQ(memory.polled(kNine, kTen), Step::write);
  EXPECT_EQ(memory.polled(kNine, kNine), Step::none);
}

TEST(LimitsMemory, WritesAgainWhatGotLost) {
  LimitsMemory memory;
  EXPECT_EQ(memory.polled(kTen, std::nullopt), Step::write);
  EXPECT_EQ(memory.polled(kTen, std::nullopt), Step::write);
}

TEST(LimitsMemory, TakesOverWhatOthersLearned) {
  LimitsMemory memory;
  EXPECT_EQ(memory.polled(kNone, kTen), Step::adopt);
  memory.adopted(kTen);
  EXPECT_EQ(memory.polled(kTen, kTen), Step::none);
  EXPECT_EQ(memory.polled(kTen, kNine), Step::adopt);
}

/// Where tokens are counted otherwise, what others found is of no use; nor is it overwritten.
TEST(LimitsMemory, DoesNotWriteBackWhatItCannotUse) {
  LimitsMemory memory;
  EXPECT_EQ(memory.polled(kNone, kTen), Step::adopt);
  memory.adopted(kNone);
  EXPECT_EQ(memory.polled(kNone, kTen), Step::adopt);
  memory.adopted(kNone);
  EXPECT_EQ(memory.polled(kNine, kTen), Step::write) << "something was learned here";
}

TEST(LimitsMemory, ForgetsWhatTheDatabaseForgot) {
  LimitsMemory memory;
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
