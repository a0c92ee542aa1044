#include "core/batch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/tokenizer.h"

namespace embedd {
namespace {

using testing::ElementsAre;

HeldJob held(const std::string& text) {
  HeldJob job;
  job.job.text = text;
  job.max_tokens = text.size();
  return job;
}

class Packing : public testing::Test {
 protected:
  void put(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) buffer.push_back(held(text));
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

TEST_F(Packing, GivesEqualTextsOneSlot) {
  put({"same", "other", "same"});
  const Batch batch = pack_up_to(9);
  EXPECT_THAT(batch.inputs(), ElementsAre("same", "other"));
  EXPECT_THAT(batch.slots, ElementsAre(0, 1, 0));
}

TEST_F(Packing, KeepsTheHalvesOfASplitApart) {
  for (int i = 0; i < 4; ++i) {
    HeldJob job = held("text " + std::to_string(i));
    job.max_company = 2;
    buffer.push_back(std::move(job));
  }
  EXPECT_EQ(pack_up_to(9).jobs.size(), 2U);
  EXPECT_EQ(pack_up_to(9).jobs.size(), 2U);
}

TEST_F(Packing, FreshJobsAndSuspectsTakeTurns) {
  for (int i = 0; i < 4; ++i) {
    HeldJob suspect = held("suspect " + std::to_string(i));
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

TEST_F(Packing, KnowsTheMemoryItTakes) {
  put({std::string(1000, 'x')});
  EXPECT_EQ(buffer.bytes(), 1000U + sizeof(HeldJob));
  EXPECT_GE(pack_up_to(1).bytes, 2000 + 4 * sizeof(float));
  EXPECT_EQ(buffer.bytes(), 0U);
}

}  // namespace
}  // namespace embedd
