// A search's answer as text for an agent: bounded, and honest about what it lacks.
#include "mcp/hits_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace embedd::mcp {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

app::SearchAnswer answer(std::size_t hits, const std::string& text) {
  app::SearchAnswer out{.model = "m"};
  for (std::size_t i = 0; i < hits; ++i)
    out.found.hits.push_back({.key = R"({"id": 5})", .row = R"({"id": 5, "body": ")" + text + "\"}"});
  return out;
}

TEST(HitsText, HoldsAsManyHitsAsFitAndSaysHowManyDoNot) {
  const std::string text = hits_text(answer(20, std::string(1000, 'x')), 500, 5000);
  EXPECT_LE(text.size(), 5000u);
  EXPECT_THAT(text, AllOf(HasSubstr("[cut: 1000 bytes in all]"), HasSubstr("more hits do not fit")));
}

TEST(HitsText, ShowsAHitHoweverLongItsRowOrItsNeighboursAre) {
  app::SearchAnswer long_row = answer(1, std::string(9000, 'x'));
  EXPECT_THAT(hits_text(long_row, 8000, 5000), HasSubstr("1 hit,"));
  app::SearchAnswer chunk = answer(1, "x");
  chunk.found.hits[0].neighbours =
      R"([{"seq": 1, "text": ")" + std::string(9000, 'n') + R"("}, {"seq": 3, "text": "b"}])";
  EXPECT_THAT(hits_text(chunk, 300, 5000),
              AllOf(HasSubstr("[cut: 9000 bytes in all]"), HasSubstr(R"({"seq":3,"text":"b"})")));
}

TEST(HitsText, SaysWhichLegASearchLacked) {
  app::SearchAnswer found = answer(1, "x");
  found.degraded = app::Degraded{"vector", "no_api_key", "there is no key"};
  EXPECT_THAT(hits_text(found, 300, 5000),
              HasSubstr("[vector search unavailable: there is no key] Only rows with"));
  found.degraded = app::Degraded{"text", "many_matches", "more than 10000 texts have these words"};
  EXPECT_THAT(hits_text(found, 300, 5000),
              AllOf(HasSubstr("by their words: more than"), Not(HasSubstr("Only rows with"))));
  found.found.hits.clear();
  EXPECT_THAT(hits_text(found, 300, 5000), HasSubstr("No row was found"));
}

}  // namespace
}  // namespace embedd::mcp
