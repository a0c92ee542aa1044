// The query of a request's target.
#include "serve/query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace embedd::serve {
namespace {

using testing::HasSubstr;
using testing::Pair;
using testing::UnorderedElementsAre;

TEST(Query, HasNamesAndValues) {
  EXPECT_TRUE(query_of("/a")->empty());
  EXPECT_TRUE(query_of("/a?")->empty());
  EXPECT_THAT(*query_of("/a?kind=too_large&limit=5&empty=&alone"),
              UnorderedElementsAre(Pair("kind", "too_large"), Pair("limit", "5"), Pair("empty", ""),
                                   Pair("alone", "")));
  EXPECT_THAT(*query_of("/a?key=%7B%22id%22%3a+5%7d&&x=a=b?c"),
              UnorderedElementsAre(Pair("key", R"({"id": 5})"), Pair("x", "a=b?c")));
}

TEST(Query, SaysWhatIsWrong) {
  for (const char* wrong : {"/a?x=%", "/a?x=%2", "/a?x=%zz", "/a?%00=1", "/a?x=%+5"}) {
    const auto query = query_of(wrong);
    ASSERT_FALSE(query) << wrong;
    EXPECT_THAT(query.error().message, HasSubstr("a percent sign must begin a byte"));
  }
  EXPECT_EQ(query_of("/a?x=1&x=2").error().message, "x: is there twice");
}

}  // namespace
}  // namespace embedd::serve
