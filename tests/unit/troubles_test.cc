// What the heartbeat says of troubles: valid JSON of a bounded length, whatever the messages hold.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "queue/messages.h"

namespace embedd::queue {
namespace {

TEST(Troubles, NoneIsNothing) { EXPECT_EQ(troubles_json({}), ""); }

TEST(Troubles, NameTheVectorizerOrTheEndpoint) {
  EXPECT_EQ(troubles_json({{.vectorizer = 3, .state = "resting", .message = "no \"such\" model"},
                           {.endpoint = "openai", .state = "quota_exhausted", .message = ""}}),
            R"([{"vectorizer":3,"state":"resting","message":"no \"such\" model"},)"
            R"({"endpoint":"openai","state":"quota_exhausted","message":""}])");
}

TEST(Troubles, AreBoundedAndHoldNothingThatJsonbRefuses) {
  const std::string nul("a\0b\n", 4);
  EXPECT_EQ(troubles_json({{.vectorizer = 1, .state = "resting", .message = nul}}),
            R"([{"vectorizer":1,"state":"resting","message":"a b "}])");
  std::string wide;
  for (int i = 0; i < 10'000; ++i) wide += "€";
  const std::vector<Trouble> many(1000, Trouble{.vectorizer = 1, .state = "resting", .message = wide});
  EXPECT_LT(troubles_json(many).size(), 16'000u);
}

}  // namespace
}  // namespace embedd::queue
