#include "core/text_limit.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

std::size_t after(std::size_t tokens, const NamedLimits& named, bool exact) {
  TextLimit limit;
  limit.refused(tokens, named, exact);
  return limit.most();
}

TEST(TextLimit, IsNoneUntilSomethingIsRefused) { EXPECT_EQ(TextLimit().most(), TextLimit::kNone); }

TEST(TextLimit, IsWhatFitsByBothNumbers) {
  const NamedLimits named{.text_tokens = 256, .found_tokens = 757};
  EXPECT_EQ(after(3028, named, false), 960U) << "4 bytes a token, and a margin";
  EXPECT_EQ(after(755, named, true), 255U) << "the server adds two tokens";
  EXPECT_EQ(after(800, named, true), 256U) << "never more than the server takes";
}

TEST(TextLimit, IsWhatIsNamedWhereOnlyThatIs) {
  const NamedLimits named{.text_tokens = 512};
  EXPECT_EQ(after(3000, named, true), 512U);
  EXPECT_EQ(after(3000, named, false), 1500U) << "a byte is a token at most";
  EXPECT_EQ(after(600, named, false), 512U) << "so many bytes fit for certain";
}

TEST(TextLimit, IsHalfWhereNothingIsNamed) { EXPECT_EQ(after(3000, {}, false), 1500U); }

TEST(TextLimit, IsSmallerWithEachRefusal) {
  TextLimit limit;
  limit.refused(3028, {.text_tokens = 256, .found_tokens = 757}, false);
  limit.refused(9000, {.text_tokens = 256, .found_tokens = 300}, false);
  EXPECT_EQ(limit.most(), 960U) << "a sparser text fits as well";
  limit.refused(960, {.text_tokens = 256, .found_tokens = 320}, false);
  EXPECT_EQ(limit.most(), 720U);
  limit.refused(720, {.text_tokens = 720, .found_tokens = 10}, true);
  EXPECT_EQ(limit.most(), 719U);
  limit.refused(1, {}, false);
  limit.refused(0, {}, false);
  EXPECT_EQ(limit.most(), TextLimit::kLeast);
}

}  // namespace
}  // namespace embedd
