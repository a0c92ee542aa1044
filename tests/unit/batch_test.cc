#include "core/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "text/tokenizer.h"

namespace embedd {
namespace {

using testing::ElementsAre;

LeasedJob leased(const std::string& text) {
  LeasedJob job;
  job.job.text = text;
  job.max_tokens = text.size();
  return job;
}

/// One token for two bytes.
class HalfTokenizer final : public Tokenizer {
 public:
  [[nodiscard]] std::size_t count(std::string_view text) const override { return (text.size() + 1) / 2; }
  [[nodiscard]] std::size_t prefix_bytes(std::string_view text, std::size_t max) const override {
    return std::min(text.size(), 2 * max);
  }
};

class Packing : public testing::Test {
 protected:
  void put(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) buffer.push_back(leased(text));
  }
  Batch pack_up_to(std::uint32_t inputs, std::size_t tokens = 1000) {
    return pack(buffer, vectorizer, {.max_inputs = inputs, .max_tokens = tokens}, tokenizer);
  }

  ByteBound tokenizer;
  JobBuffer buffer;
  Vectorizer vectorizer{.name = "notes", .dimensions = 4};
};

TEST_F(Packing, KeepsToTheInputsOfARequest) {
  put({"a", "b", "c"});
  EXPECT_THAT(pack_up_to(2).inputs(), ElementsAre("a", "b"));
  EXPECT_THAT(pack_up_to(2).inputs(), ElementsAre("c"));
  EXPECT_TRUE(buffer.empty());
}

TEST_F(Packing, KeepsToTheTokensOfARequestButTakesOneAtLeast) {
  put({"aaaa", "bbbb", "cccccccccccc"});
  EXPECT_THAT(pack_up_to(9, 8).inputs(), ElementsAre("aaaa", "bbbb"));
  EXPECT_THAT(pack_up_to(9, 8).inputs(), ElementsAre("cccccccccccc"));
}

TEST_F(Packing, PassesOverATextThatIsTooLongForTheRoomThatIsLeft) {
  put({"aaaa", "bbbbbbbb", "cc", "dd"});
  EXPECT_THAT(pack_up_to(9, 8).inputs(), ElementsAre("aaaa", "cc", "dd"));
  EXPECT_THAT(pack_up_to(9, 8).inputs(), ElementsAre("bbbbbbbb"));
}

TEST_F(Packing, CountsTokensWhereTheyAreScarce) {
  const HalfTokenizer halves;
  put({"aaaa", "bbbb", "cccc", "dddddd"});
  const Batch batch = pack(buffer, vectorizer, {.max_inputs = 9, .max_tokens = 6, .exact = true}, halves);
  EXPECT_THAT(batch.inputs(), ElementsAre("aaaa", "bbbb", "cccc"));
  EXPECT_EQ(batch.max_tokens, 6U);
}

TEST_F(Packing, EqualTextsCostTheirTokensOnce) {
  put({"aaaa", "aaaa", "bbbb", "aaaa"});
  const Batch batch = pack_up_to(3, 8);
  EXPECT_THAT(batch.inputs(), ElementsAre("aaaa", "bbbb"));
  EXPECT_THAT(batch.slots, ElementsAre(0, 0, 1, 0));
  EXPECT_EQ(batch.max_tokens, 8U);
}

TEST_F(Packing, ALongTextTravelsInPiecesAndComesBackAsTheirMean) {
  LeasedJob job = leased("aaaabbbbcc");
  cut_into_pieces(job, 4, tokenizer);
  buffer.push_back(std::move(job));
  put({"short"});
  Batch batch = pack_up_to(9);
  EXPECT_THAT(batch.inputs(), ElementsAre("aaaa", "bbbb", "cc", "short"));
  Embeddings vectors{.dimensions = 2, .values = {1, 0, 0, 1, 0, 1, 0.6F, 0.8F}};
  const std::vector<std::int32_t> slots = join_pieces(batch, vectors);
  ASSERT_THAT(slots, ElementsAre(4, 3));
  ASSERT_EQ(vectors.count(), 5U);
  const float length = std::sqrt(4.0F * 4 + 6 * 6);  // weights 4, 4 and 2
  EXPECT_FLOAT_EQ(vectors.values[8], 4 / length);
  EXPECT_FLOAT_EQ(vectors.values[9], 6 / length);
}

TEST_F(Packing, OfEqualTextsThePiecesOfTheOneThatTravelledComeBack) {
  for (const std::size_t piece : {5, 2}) {
    LeasedJob job = leased("aaaabbbbcc");
    cut_into_pieces(job, piece, tokenizer);
    buffer.push_back(std::move(job));
  }
  put({"short"});
  Batch batch = pack_up_to(9);
  EXPECT_THAT(batch.inputs(), ElementsAre("aaaab", "bbbcc", "short"));
  Embeddings vectors{.dimensions = 2, .values = {1, 0, 0, 1, 0.6F, 0.8F}};
  EXPECT_THAT(join_pieces(batch, vectors), ElementsAre(3, 3, 2));
}

TEST_F(Packing, TellsTheTokensOfARowThatTravelsAloneAndOfEqualTexts) {
  put({"aaaa", "aaaa", "aaaa", "bb"});
  EXPECT_EQ(tokens_ahead(buffer, {.max_inputs = 9, .max_tokens = 90}, tokenizer), 6U);
  JobBuffer suspects;
  for (int i = 0; i < 3; ++i) {
    LeasedJob suspect = leased("suspect " + std::to_string(i));
    suspect.max_company = 1;
    suspects.push_back(std::move(suspect));
  }
  EXPECT_EQ(tokens_ahead(suspects, {.max_inputs = 9, .max_tokens = 90}, tokenizer), 9U);
}

TEST_F(Packing, TellsTheTokensOfTheNextRequest) {
  put({"aaaa", "bbbb", "cccc"});
  EXPECT_EQ(tokens_ahead(buffer, {.max_inputs = 9, .max_tokens = 9}, tokenizer), 8U);
  EXPECT_EQ(tokens_ahead(buffer, {.max_inputs = 1, .max_tokens = 9}, tokenizer), 4U);
  EXPECT_EQ(tokens_ahead(buffer, {.max_inputs = 9, .max_tokens = 1}, tokenizer), 4U);
}

TEST_F(Packing, GivesEqualTextsOneSlot) {
  put({"same", "other", "same"});
  const Batch batch = pack_up_to(9);
  EXPECT_THAT(batch.inputs(), ElementsAre("same", "other"));
  EXPECT_THAT(batch.slots, ElementsAre(0, 1, 0));
}

TEST_F(Packing, KeepsTheHalvesOfASplitApart) {
  for (int i = 0; i < 4; ++i) {
    LeasedJob job = leased("text " + std::to_string(i));
    job.max_company = 2;
    buffer.push_back(std::move(job));
  }
  EXPECT_EQ(pack_up_to(9).jobs.size(), 2U);
  EXPECT_EQ(pack_up_to(9).jobs.size(), 2U);
}

TEST_F(Packing, FreshJobsAndSuspectsTakeTurns) {
  for (int i = 0; i < 4; ++i) {
    LeasedJob suspect = leased("suspect " + std::to_string(i));
    suspect.max_company = 1;
    buffer.push_back(std::move(suspect));
  }
  put({"fresh 0", "fresh 1"});
  EXPECT_THAT(pack_up_to(1).inputs(), ElementsAre("suspect 0"));
  EXPECT_THAT(pack_up_to(1).inputs(), ElementsAre("fresh 0"));
  EXPECT_THAT(pack_up_to(1).inputs(), ElementsAre("suspect 1"));
  EXPECT_THAT(pack_up_to(9).inputs(), ElementsAre("fresh 1"));
  EXPECT_THAT(pack_up_to(9).inputs(), ElementsAre("suspect 2"));
  EXPECT_THAT(pack_up_to(9).inputs(), ElementsAre("suspect 3"));
  EXPECT_TRUE(buffer.empty());
}

TEST_F(Packing, WhatUsersJustChangedGoesBeforeABackfill) {
  put({"old 0", "old 1"});
  for (const char* text : {"new 0", "new 1"}) {
    LeasedJob job = leased(text);
    job.changed_at = Instant{seconds(1)};
    buffer.push_back(std::move(job));
  }
  EXPECT_THAT(pack_up_to(3).inputs(), ElementsAre("new 0", "new 1", "old 0"));
}

TEST_F(Packing, KnowsTheMemoryItTakes) {
  put({std::string(1000, 'x')});
  EXPECT_EQ(buffer.bytes(), 1000U + sizeof(LeasedJob));
  EXPECT_GE(pack_up_to(1).bytes, 2000 + 4 * sizeof(float));
  EXPECT_EQ(buffer.bytes(), 0U);
}

}  // namespace
}  // namespace embedd
