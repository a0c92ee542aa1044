// Not at random: rows whose texts are cut into chunks.
#include <gmock/gmock.h>

#include <fmt/format.h>

#include "support/scenario.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;

class Stores : public Scenario {
 protected:
  Stores() { world.tells = false; }
  void put(VectorizerId id, const std::string& key, const std::string& text) {
    world.database.put(id, key, text, world.database_now());
  }
  /// Of so many chunks, which no other text has.
  std::string article(int chunks) {
    std::string text;
    for (int i = 0; i < chunks; ++i) text += fmt::format("{}part {}", i == 0 ? "" : "|", ++parts_);
    return text;
  }
  [[nodiscard]] std::size_t bought() const { return world.provider.billed.size(); }

 private:
  int parts_ = 0;
};

TEST_F(Stores, EveryChunkIsBoughtOnceAndALongTextIsCutInWindows) {
  const VectorizerId books = world.add_store("books", 20);
  put(books, "long", article(200));
  put(books, "empty", " ");
  for (int i = 0; i < 3; ++i) world.start_worker();
  expect_all_true(2min);
  EXPECT_EQ(bought(), 2U * 20 + 200);
  EXPECT_EQ(table(books).store.at("long").size(), 200U);
}

TEST_F(Stores, OnlyWhatChangedIsBought) {
  const VectorizerId books = world.add_store("books", 0);
  std::string text = article(50);
  put(books, "long", text);
  world.start_worker();
  expect_all_true(2min);
  put(books, "long", "a new first part|" + text);
  expect_all_true(2min);
  put(books, "long", text);
  expect_all_true(2min);
  EXPECT_EQ(bought(), 51U);
}

TEST_F(Stores, ARowThatGetsANewTextWithoutEndIsCutAtMost120TimesAnHour) {
  const VectorizerId books = world.add_store("books", 0);
  world.start_worker();
  for (int i = 0; i < 4 * 3600; ++i) {
    put(books, "diary", article(2));
    world.run_for(250ms);
  }
  EXPECT_LE(bought(), 2U * SpendingBrake::kAnyTextAnHour);
  EXPECT_GT(bought(), SpendingBrake::kAnyTextAnHour);
  EXPECT_GT(world.braked, 0U);
  EXPECT_TRUE(settled(3min)) << "the last text waits a minute at most";
  EXPECT_EQ(world.verdict(), "");
}

TEST_F(Stores, TextsThatReadDifferentlyWhenStagedAreNotCutWithoutEnd) {
  const VectorizerId books = world.add_store("books", 10);
  table(books).reads_differently = true;
  world.start_worker();
  world.run_for(10min);
  EXPECT_LT(world.statements, 2'000U) << "polls and walks among them";
  EXPECT_EQ(bought(), 0U);
  table(books).reads_differently = false;
  expect_all_true(10min);
}

}  // namespace
}  // namespace embedd::sim
