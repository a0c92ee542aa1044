// What is bought in vain: when a vectorizer should rest for it, and what a person is told.
#include "core/vain_purchases.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

constexpr Instant kNow = Instant{} + seconds(1000);

TEST(VainPurchases, RestsAfterSixtyFourAnswersInARow) {
  struct Answers {
    std::size_t count;
    bool others_stored;
    bool rest;
    bool throws_away;
  };
  VainPurchases vain;
  EXPECT_FALSE(vain.throws_away());
  for (const auto& [count, others_stored, rest, throws_away] : {
           Answers{60, false, false, true},
           Answers{3, false, false, true},
           Answers{1, true, false, false},  // a vector of another row was stored with them: a new row begins
           Answers{63, false, false, true},
           Answers{1, false, true, true},
           Answers{1, false, true, true},
       }) {
    EXPECT_EQ(vain.thrown_away(count, others_stored), rest);
    EXPECT_EQ(vain.throws_away(), throws_away);
  }
  vain.vector_stored();
  EXPECT_FALSE(vain.throws_away());
  EXPECT_FALSE(vain.thrown_away(63, false));
}

TEST(VainPurchases, BrakesUntilTheLastRowMayBeBought) {
  VainPurchases vain;
  EXPECT_FALSE(vain.braked(kNow));
  vain.because(WasteReason::failed);
  vain.brake(kNow + seconds(10));
  EXPECT_EQ(vain.braked_because(), "its rows are bought again and again: " + explain(WasteReason::failed));
  vain.because(WasteReason::edited);
  vain.brake(kNow + seconds(5));
  EXPECT_TRUE(vain.braked(kNow + seconds(9)));
  EXPECT_FALSE(vain.braked(kNow + seconds(10)));
  EXPECT_EQ(vain.braked_because(), "its rows are bought again and again: " + explain(WasteReason::edited));
}

}  // namespace
}  // namespace embedd
