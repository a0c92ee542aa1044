#include "text/chunk_rule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace embedd {
namespace {

using testing::HasSubstr;
using Kind = ChunkRule::Kind;

TEST(ChunkRules, AreReadAsTheyAreWritten) {
  EXPECT_EQ(*parse_chunk_rule("none"), (ChunkRule{.kind = Kind::none}));
  EXPECT_EQ(*parse_chunk_rule("tokens:512"), (ChunkRule{.kind = Kind::tokens, .size = 512}));
  EXPECT_EQ(*parse_chunk_rule("recursive:400,80"),
            (ChunkRule{.kind = Kind::recursive, .size = 400, .overlap = 80}));
  EXPECT_EQ(*parse_chunk_rule("markdown:8191,0"), (ChunkRule{.kind = Kind::markdown, .size = 8191}));
}

TEST(ChunkRules, ThatMakeNoSenseSayWhatToWrite) {
  for (const char* text : {"", "words:5", "recursive", "recursive:", "recursive:15", "recursive:8192",
                           "tokens:100,51", "tokens:100,", "tokens:100,-1", "tokens: 100", "markdown:1e3",
                           "none:400", "tokens:99999999999999999999"}) {
    const auto rule = parse_chunk_rule(text);
    ASSERT_FALSE(rule) << text;
    EXPECT_EQ(rule.error().kind, ErrorKind::invalid_argument);
    EXPECT_THAT(rule.error().message, HasSubstr("recursive:SIZE")) << text;
  }
}

}  // namespace
}  // namespace embedd
