#include "cli/wrap.h"

#include <gtest/gtest.h>

namespace embedd::cli {
namespace {

TEST(Wrapped, BreaksAtSpacesAndIndents) {
  EXPECT_EQ(wrapped("", 10), "");
  EXPECT_EQ(wrapped("one two", 10), "one two");
  EXPECT_EQ(wrapped("one two three four", 10), "one two\n  three\n  four");
  EXPECT_EQ(wrapped("a-word-that-is-too-long b", 10), "a-word-that-is-too-long\n  b");
}

}  // namespace
}  // namespace embedd::cli
