// Which answers are believed, and what is kept of those that are not.
#include "core/answer_doubts.h"

#include <gtest/gtest.h>

#include "core/equal_vectors.h"

namespace embedd {
namespace {

constexpr Instant kNow = Instant{} + seconds(1000);

/// Counts what it is told.
class Told : public PartialObserver {
 public:
  void equal_vectors(const Vectorizer&, std::size_t texts, bool refused) override {
    equal_texts += texts;
    refusals += refused ? 1 : 0;
  }
  void cut_silently(const Vectorizer&, std::size_t tokens, std::size_t most) override {
    cut_tokens = tokens;
    cut_most = most;
  }
  std::size_t equal_texts = 0, refusals = 0, cut_tokens = 0, cut_most = 0;
};

class ByteTokens : public Tokenizer {
 public:
  [[nodiscard]] std::size_t count(std::string_view text) const override { return text.size(); }
  [[nodiscard]] std::size_t prefix_bytes(std::string_view text, std::size_t max) const override {
    return std::min(text.size(), max);
  }
};
class ModelTokens : public ByteTokens {
 public:
  [[nodiscard]] bool exact() const override { return true; }
};

Batch batch(const std::vector<std::string>& texts) {
  Batch batch;
  for (const std::string& text : texts) {
    batch.travelling.push_back({batch.jobs.size(), {.begin = 0, .size = text.size()}});
    batch.slots.push_back(static_cast<std::int32_t>(batch.jobs.size()));
    batch.jobs.push_back({.job = {.text = text}});
  }
  return batch;
}

EmbedAnswer answer(std::vector<float> values, std::uint64_t tokens = 7) {
  EmbedAnswer answer{.tokens = tokens};
  answer.vectors.dimensions = 1;
  answer.vectors.values.assign(values.begin(), values.end());
  return answer;
}

class AnswerDoubtsTest : public testing::Test {
 protected:
  /// An answer to two texts that has the same vector for both, and to each of them alone with these.
  void ask_apart(float first, float second, Instant now) {
    Batch both = batch({"a", "b"});
    ASSERT_TRUE(doubts.doubt({}, both, answer({1, 1}), now, told));
    for (std::size_t i = 0; i < 2; ++i) {
      Batch alone = batch({both.jobs[i].job.text});
      alone.jobs.front().equals = both.jobs[i].equals;
      doubts.compare_alone({}, alone, answer({i == 0 ? first : second}).vectors, 0, now, told);
    }
  }

  AnswerDoubts doubts;
  Told told;
};

TEST_F(AnswerDoubtsTest, DifferentTextsWithOneVectorAreAskedForAlone) {
  struct Case {
    const char* name;
    std::vector<std::string> texts;
    std::vector<float> values;
    bool computed_here;
    std::vector<bool> alone;  ///< per job; empty: it is believed
  };
  for (const auto& [name, texts, values, computed_here, alone] : {
           Case{"all are different", {"a", "b"}, {1, 2}, false, {}},
           Case{"one text alone", {"a"}, {1}, false, {}},
           Case{"equal texts", {"a", "a"}, {1, 1}, false, {}},
           Case{"two of three are equal", {"a", "b", "c"}, {1, 2, 1}, false, {true, false, true}},
           Case{"there is no server to mix them up", {"a", "b"}, {1, 1}, true, {}},
       }) {
    AnswerDoubts fresh;
    Batch sent = batch(texts);
    EmbedAnswer came = answer(values);
    came.computed_here = computed_here;
    const std::optional<Error> error = fresh.doubt({}, sent, came, kNow, told);
    ASSERT_EQ(error.has_value(), !alone.empty()) << name;
    for (std::size_t i = 0; i < alone.size(); ++i) EXPECT_EQ(sent.jobs[i].max_company == 1, alone[i]) << name;
    if (!error) continue;
    EXPECT_EQ(error->kind, ErrorKind::invalid_answer);
    EXPECT_TRUE(error->billed);
  }
}

TEST_F(AnswerDoubtsTest, AModelThatGivesThemOneVectorAloneIsBelievedForAnHour) {
  ask_apart(5, 5, kNow);
  Batch again = batch({"c", "d"});
  EXPECT_FALSE(doubts.doubt({}, again, answer({1, 1}), kNow + minutes(59), told));
  EXPECT_TRUE(doubts.doubt({}, again, answer({1, 1}), kNow + minutes(60), told));
}

TEST_F(AnswerDoubtsTest, AServerThatMixesThemUpIsDoubtedAgain) {
  ask_apart(5, 6, kNow);
  Batch again = batch({"c", "d"});
  EXPECT_TRUE(doubts.doubt({}, again, answer({1, 1}), kNow, told));
}

TEST_F(AnswerDoubtsTest, AnotherDeclarationIsDoubtedAnew) {
  ask_apart(5, 5, kNow);
  doubts.forget();
  Batch again = batch({"c", "d"});
  EXPECT_TRUE(doubts.doubt({}, again, answer({1, 1}), kNow, told));
  EXPECT_EQ(doubts.take_unbelieved().requests, 2U) << "both were billed";
}

TEST_F(AnswerDoubtsTest, WhatWasNotBelievedIsBookedOnce) {
  for (int i = 0; i < 3; ++i) {
    Batch sent = batch({"a", "b"});
    doubts.doubt({}, sent, answer({1, 1}, 10), kNow, told);
  }
  const AnswerDoubts::Unbelieved unbelieved = doubts.take_unbelieved();
  EXPECT_EQ(unbelieved.requests, 3U);
  EXPECT_EQ(unbelieved.tokens, 30U);
  EXPECT_EQ(doubts.take_unbelieved().requests, 0U);
  EXPECT_EQ(told.refusals, 3U);
}

TEST_F(AnswerDoubtsTest, LongTextsTravelAloneWhereWeCannotCountTheirTokens) {
  const LeasedJob leased{.job = {.text = std::string(5000, 'x')}};
  LeasedJob divided = leased;
  divided.pieces.resize(2);
  EXPECT_FALSE(doubts.asks_alone(leased, ModelTokens()));
  EXPECT_FALSE(doubts.asks_alone(divided, ByteTokens()));
  EXPECT_FALSE(doubts.asks_alone({.job = {.text = "short"}}, ByteTokens()));
  EXPECT_TRUE(doubts.asks_alone(leased, ByteTokens()));
  EXPECT_FALSE(doubts.asks_alone(leased, ByteTokens())) << "it is asked for already";
}

TEST_F(AnswerDoubtsTest, TellsOfAServerThatCutsTexts) {
  for (const std::size_t bytes : {4000, 6000, 9000, 12'000}) {
    const Batch sent = batch({std::string(bytes, 'x')});
    doubts.asks_alone(sent.jobs.front(), ByteTokens());
    doubts.notice_cuts({}, sent, answer({1}, 512), 100'000, ByteTokens(), told);
  }
  EXPECT_EQ(told.cut_tokens, 512U);
  EXPECT_GE(told.cut_most, 4000U) << "in the tokens that are counted here, which are bytes";
}

}  // namespace
}  // namespace embedd
