// What is known of a lane's limits after its declaration changed, and after the database told what it
// remembers.
#include "core/limits_sync.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_parts.h"

namespace embedd {
namespace {

using test::WorkerParts;

const LearnedLimits kNothing{};

class Syncing : public WorkerParts {
 protected:
  Syncing() { tokens.as_the_model = true; }
  /// A poll tells what the database remembers.
  void poll(const std::optional<LearnedLimits>& remembered) { sync.remember(notes, remembered); }
  /// The endpoint takes so many inputs, a refusal said.
  void learn_inputs(std::uint64_t inputs) {
    notes.limits.heed_inputs(Batch{.travelling = std::vector<Batch::Input>(100)}, {.inputs = inputs});
  }
  [[nodiscard]] LeftOut left_out() const {
    return embedder.left_out(notes.vectorizer.endpoint, notes.vectorizer.model);
  }
  void redeclare(void (*change)(Vectorizer&)) {
    Vectorizer changed = notes.vectorizer;
    change(changed);
    sync.redeclare(notes, changed);
    EXPECT_EQ(notes.vectorizer, changed);
  }
  /// All that was written since the last call; one record at most.
  std::optional<LearnedLimits> written() {
    EXPECT_LE(queue.limits.size(), 1U);
    const auto records = std::exchange(queue.limits, {});
    return records.empty() ? std::nullopt : std::optional(records.front().limits);
  }

  LimitsSync sync{state};
};

TEST_F(Syncing, NothingIsWrittenWhereNothingWasLearned) {
  poll(std::nullopt);
  EXPECT_EQ(written(), std::nullopt);
}

TEST_F(Syncing, ALessonIsWrittenOnceForTheModelAtItsEndpoint) {
  learn_inputs(10);
  poll(std::nullopt);
  ASSERT_EQ(queue.limits.size(), 1U);
  EXPECT_EQ(queue.limits.front().endpoint, "openai");
  EXPECT_EQ(queue.limits.front().model, "model");
  EXPECT_EQ(queue.limits.front().dimensions, 2);
  EXPECT_EQ(written()->inputs, 10U);
  poll(LearnedLimits{.inputs = 10});
  EXPECT_EQ(written(), std::nullopt);
}

TEST_F(Syncing, AParameterThatTheEmbedderLeavesOutIsALesson) {
  embedder.leave_out("openai", "model", {.dimensions = true});
  poll(std::nullopt);
  EXPECT_EQ(written(), (LearnedLimits{.left_out = {.dimensions = true}}));
}

TEST_F(Syncing, WhatOthersLearnedHoldsHereAndIsNotWrittenAgain) {
  const LearnedLimits theirs{
      .inputs = 10, .text_tokens = 500, .counted = true, .left_out = {.encoding_format = true}};
  poll(theirs);
  EXPECT_EQ(notes.limits.most_inputs(), 10U);
  EXPECT_EQ(notes.limits.most_tokens(), 500U);
  EXPECT_TRUE(left_out().encoding_format);
  poll(theirs);
  EXPECT_EQ(written(), std::nullopt);
}

TEST_F(Syncing, ATextsLengthInTokensThatAreCountedOtherwiseIsOfNoUse) {
  poll(LearnedLimits{.inputs = 10, .text_tokens = 500, .counted = false});
  EXPECT_EQ(notes.limits.most_inputs(), 10U);
  EXPECT_EQ(notes.limits.most_tokens(), TextLimit::kNone);
}

TEST_F(Syncing, WhatTheDatabaseForgotIsTriedAnewHere) {
  poll(LearnedLimits{.inputs = 10, .left_out = {.dimensions = true}});
  poll(std::nullopt);
  EXPECT_EQ(notes.limits.most_inputs(), InputLimit::kNone);
  EXPECT_EQ(left_out(), LeftOut{});
  EXPECT_EQ(written(), std::nullopt);
}

TEST_F(Syncing, APausedVectorizerKeepsWhatItKnows) {
  learn_inputs(10);
  redeclare([](Vectorizer& v) { v.stopped = true; });
  redeclare([](Vectorizer& v) { v.stopped = false; });
  EXPECT_EQ(notes.limits.most_inputs(), 10U);
}

TEST_F(Syncing, AResumedVectorizerIsTriedAtOnce) {
  notes.rest.begin("refused", now, state.random);
  redeclare([](Vectorizer& v) { v.stopped = true; });
  redeclare([](Vectorizer& v) { v.stopped = false; });
  EXPECT_FALSE(notes.resting(now));
}

TEST_F(Syncing, AnotherModelTakesOverWhatIsRememberedOfThatModel) {
  poll(LearnedLimits{.inputs = 10, .left_out = {.dimensions = true}});
  redeclare([](Vectorizer& v) { v.model = "another"; });
  EXPECT_EQ(notes.limits.most_inputs(), InputLimit::kNone);
  EXPECT_EQ(left_out(), LeftOut{});
  EXPECT_TRUE(embedder.left_out("openai", "model").dimensions)
      << "the former model may have other vectorizers";
  poll(LearnedLimits{.inputs = 7});
  EXPECT_EQ(notes.limits.most_inputs(), 7U);
  EXPECT_EQ(written(), std::nullopt);
}

TEST_F(Syncing, AnotherDeclarationOfTheSameModelHasTheRecordBeginAnew) {
  for (void (*const change)(Vectorizer&) : {
           +[](Vectorizer& v) { v.long_texts = LongTexts::average; },
           +[](Vectorizer& v) { v.send_dimensions = true; },
       }) {
    poll(LearnedLimits{.inputs = 10});
    ASSERT_EQ(notes.limits.most_inputs(), 10U);
    redeclare(change);
    EXPECT_EQ(notes.limits.most_inputs(), InputLimit::kNone);
    poll(LearnedLimits{.inputs = 10});
    EXPECT_EQ(written(), kNothing);
    poll(kNothing);
    EXPECT_EQ(written(), std::nullopt);
  }
}

// Invariant: after a poll, the database has been sent all that was learned here, and the other way round.
TEST_F(Syncing, OnePollLaterBothSidesKnowTheSame) {
  std::optional<LearnedLimits> database;
  const auto polled = [&] {
    poll(database);
    if (auto record = written()) database = *record;
    poll(database);
    EXPECT_EQ(written(), std::nullopt);
    LearnedLimits here = notes.limits.learned(true);
    here.left_out = left_out();
    EXPECT_EQ(here, database.value_or(kNothing));
  };
  polled();
  learn_inputs(10);
  polled();
  database->text_tokens = 500;  // another worker's lesson
  database->counted = true;
  polled();
  embedder.leave_out("openai", "model", {.encoding_format = true});
  database->left_out.dimensions = true;  // both at once: what was learned here is written, and theirs stays
  polled();
  EXPECT_EQ(*database, (LearnedLimits{.inputs = 10,
                                      .text_tokens = 500,
                                      .counted = true,
                                      .left_out = {.encoding_format = true, .dimensions = true}}));
  database.reset();
  polled();
}

}  // namespace
}  // namespace embedd
