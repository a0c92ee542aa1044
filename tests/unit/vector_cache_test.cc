// The cache of query vectors stays within its bytes, and keeps what is used.
#include "app/vector_cache.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

TEST(VectorCache, KeepsWhatIsUsed) {
  app::VectorCache cache(1000);
  const std::vector<float> vector(50);  // with its key and the overhead, 401 bytes
  cache.add("a", vector);
  cache.add("b", vector);
  ASSERT_NE(cache.find("a"), nullptr);
  cache.add("c", vector);
  EXPECT_EQ(cache.bytes(), 802u);
  EXPECT_NE(cache.find("a"), nullptr);
  EXPECT_EQ(cache.find("b"), nullptr) << "the least recently used";
  EXPECT_NE(cache.find("c"), nullptr);
}

TEST(VectorCache, ReplacesAndRefusesTheTooLarge) {
  app::VectorCache cache(1000);
  cache.add("a", {1});
  cache.add("a", {2, 3});
  ASSERT_NE(cache.find("a"), nullptr);
  EXPECT_EQ(*cache.find("a"), (std::vector<float>{2, 3}));
  EXPECT_EQ(cache.bytes(), 209u);
  cache.add("b", std::vector<float>(1000));
  EXPECT_EQ(cache.find("b"), nullptr);
  EXPECT_EQ(cache.bytes(), 0u);
}

}  // namespace
}  // namespace embedd
