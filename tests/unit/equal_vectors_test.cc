// Which inputs of an answer have the vector of a different text, and what follows once each came alone.
#include "core/equal_vectors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace embedd {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Finding = EqualJobs::Finding;

/// One job an input.
Batch batch_of(const std::vector<std::string>& texts) {
  Batch batch;
  for (const std::string& text : texts) {
    batch.travelling.push_back({batch.jobs.size(), {.begin = 0, .size = text.size(), .tokens = 1}});
    batch.jobs.push_back({.job = {.text = text}});
  }
  return batch;
}

/// Of two dimensions each; a vector is as good as its first number.
Embeddings vectors_of(const std::vector<float>& firsts) {
  Embeddings vectors{.dimensions = 2};
  for (const float first : firsts) vectors.values.insert(vectors.values.end(), {first, 1.0F});
  return vectors;
}

TEST(EqualVectors, AreThoseOfDifferentTexts) {
  EXPECT_THAT(equal_vectors(batch_of({"a", "b", "c"}), vectors_of({1, 2, 3})), IsEmpty());
  EXPECT_THAT(equal_vectors(batch_of({"a", "b", "c", "d", "e"}), vectors_of({1, 2, 1, 2, 3})),
              ElementsAre(ElementsAre(0, 2), ElementsAre(1, 3)));
  EXPECT_THAT(equal_vectors(batch_of({"a", "b"}), vectors_of({0.0F, -0.0F})), IsEmpty()) << "bit by bit";
}

TEST(EqualVectors, OfEqualPiecesSayNothing) {
  EXPECT_THAT(equal_vectors(batch_of({"a", "a", "b"}), vectors_of({1, 1, 2})), IsEmpty());
  EXPECT_THAT(equal_vectors(batch_of({"a", "a", "b"}), vectors_of({1, 1, 1})),
              ElementsAre(ElementsAre(0, 1, 2)));
}

TEST(EqualVectors, AreTheModelsIfTheyAreEqualAlone) {
  EqualJobs equal(3);
  EXPECT_EQ(equal.answered(vectors_of({7}), 0), Finding::unknown);
  EXPECT_EQ(equal.answered(vectors_of({5, 7}), 1), Finding::unknown);
  EXPECT_EQ(equal.answered(vectors_of({7}), 0), Finding::equal);
}

TEST(EqualVectors, AreTheServersFaultIfOneDiffersAlone) {
  EqualJobs different(3);
  EXPECT_EQ(different.answered(vectors_of({7}), 0), Finding::unknown);
  EXPECT_EQ(different.answered(vectors_of({8}), 0), Finding::unknown);
  EXPECT_EQ(different.answered(vectors_of({8}), 0), Finding::different);
}

}  // namespace
}  // namespace embedd
