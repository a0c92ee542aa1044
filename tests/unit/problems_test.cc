// What the heartbeat says of problems: valid JSON of a bounded length, whatever the messages hold.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "queue/messages.h"

namespace embedd::queue {
namespace {

TEST(Problems, NoneIsNothing) { EXPECT_EQ(problems_json({}), ""); }

TEST(Problems, NameTheVectorizerOrTheEndpoint) {
  EXPECT_EQ(problems_json({{.vectorizer = 3, .state = "resting", .message = "no \"such\" model"},
                           {.endpoint = "openai", .state = "quota_exhausted", .message = ""}}),
            R"([{"vectorizer":3,"state":"resting","message":"no \"such\" model"},)"
            R"({"endpoint":"openai","state":"quota_exhausted","message":""}])");
}

TEST(Problems, AreBoundedAndHoldNothingThatJsonbRefuses) {
  const std::string nul("a\0b\n", 4);
  EXPECT_EQ(problems_json({{.vectorizer = 1, .state = "resting", .message = nul}}),
            R"([{"vectorizer":1,"state":"resting","message":"a b "}])");
  std::string wide;
  for (int i = 0; i < 10'000; ++i) wide += "€";
  const std::vector<Problem> many(1000, Problem{.vectorizer = 1, .state = "resting", .message = wide});
  EXPECT_LT(problems_json(many).size(), 16'000u);
}

}  // namespace
}  // namespace embedd::queue
