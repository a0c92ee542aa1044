// Which Authorization headers show a token.
#include <gtest/gtest.h>

#include "serve/tokens.h"

namespace embedd {
namespace {

TEST(ApiTokens, AreComparedWhole) {
  const auto tokens = serve::Tokens::parse(Secret("0123456789abcdef 0123456789ABCDEF\n"));
  ASSERT_TRUE(tokens);
  EXPECT_EQ(tokens->clients(), 2U);
  EXPECT_EQ(tokens->find("Bearer 0123456789abcdef"), 0U);
  EXPECT_EQ(tokens->find("bearer  0123456789ABCDEF"), 1U);
  for (const char* wrong :
       {"", "Bearer", "Bearer ", "Bearer 0123456789abcde", "Bearer 0123456789abcdef0",
        "Bearer 0123456789abcdef0123456789abcdef", "Basic 0123456789abcdef", "0123456789abcdef"})
    EXPECT_FALSE(tokens->find(wrong)) << wrong;
  EXPECT_TRUE(serve::Tokens::parse(Secret(" \n"))->empty());
  EXPECT_FALSE(serve::Tokens::parse(Secret("short")));
}

}  // namespace
}  // namespace embedd
