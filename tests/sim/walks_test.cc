// Walks over tables that were walked before take a small share of the time, and nobody waits for them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/scenario.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;

class Walks : public Scenario {
 protected:
  static constexpr int kRows = 1000;  // twenty pages

  void SetUp() override { world.database.page_takes = 100ms; }
  /// A table that has been walked and has changed since, and the workers.
  VectorizerId walked_table(int workers) {
    for (int i = 0; i < workers; ++i) world.start_worker();
    return walked_table("notes");
  }
  VectorizerId walked_table(const std::string& name) {
    const VectorizerId id = world.add_table(name, kRows);
    EXPECT_TRUE(settled(10min));
    world.database.put(id, "new", name + " new v0", world.database_now());
    EXPECT_TRUE(settled(10min));
    return id;
  }
  bool walk_begins(VectorizerId id, std::uint64_t number) {
    return world.run_until([&] { return table(id).walks_begun == number; }, 2h);
  }
  /// How long it takes from here.
  Duration walk_ends(VectorizerId id, std::uint64_t number, Duration patience) {
    const Instant began = world.now();
    EXPECT_TRUE(world.run_until([&] { return table(id).walk_finished == number; }, patience));
    return world.now() - began;
  }
};

TEST_F(Walks, KeepTheirShareOfTheTime) {
  const VectorizerId notes = walked_table(1);
  ASSERT_TRUE(walk_begins(notes, 2));
  const Duration before = world.database.walking;
  const Duration took = walk_ends(notes, 2, 10min);
  const double share = to_seconds(world.database.walking - before) / to_seconds(took);
  EXPECT_LT(share, 0.021);
  EXPECT_GT(share, 0.017) << "and they use it";
}

TEST_F(Walks, OfOneWorkerHaveTheirShareTogether) {
  const VectorizerId notes = walked_table(1);
  const VectorizerId others = walked_table("others");
  table(notes).walked_at = table(others).walked_at;
  ASSERT_TRUE(walk_begins(notes, 2) && walk_begins(others, 2));
  const Duration before = world.database.walking;
  const Duration took = std::max(walk_ends(notes, 2, 20min), walk_ends(others, 2, 20min));
  EXPECT_LT(to_seconds(world.database.walking - before) / to_seconds(took), 0.025);
}

TEST_F(Walks, OverATableThatWasNeverWalkedHurry) {
  const VectorizerId notes = world.add_table("notes", kRows);
  table(notes).queue.clear();
  for (auto& [key, row] : table(notes).rows) row.text.clear();  // so that nothing is found
  world.start_worker();
  walk_ends(notes, 1, 10s);
}

TEST_F(Walks, ThatFindSomethingHurry) {
  const VectorizerId notes = walked_table(1);
  for (int i = 0; i < kRows; i += 25)
    world.database.update_behind_triggers(notes, fmt::format("{:04}", i), fmt::format("notes {} unseen", i));
  ASSERT_TRUE(walk_begins(notes, 2));
  walk_ends(notes, 2, 15s);
  expect_all_true();
}

TEST_F(Walks, LeaveTheWorkerToOthersMeanwhile) {
  const VectorizerId notes = walked_table(1);
  const VectorizerId others = walked_table("others");
  ASSERT_TRUE(walk_begins(notes, 2));
  const std::uint64_t finished = table(notes).walk_finished;
  world.database.put(others, "newer", "others newer v0", world.database_now());
  EXPECT_TRUE(world.run_until([&] { return table(others).rows.at("newer").vector.has_value(); }, 6s));
  EXPECT_EQ(table(notes).walk_finished, finished);
}

TEST_F(Walks, KeepTheirDutyThroughTheLongestPause) {
  world.database.page_takes = 3s;
  const VectorizerId notes = walked_table(3);
  ASSERT_TRUE(walk_begins(notes, 2));
  EXPECT_GT(walk_ends(notes, 2, 30min), 10min);
  EXPECT_EQ(table(notes).walks_begun, 2U) << "nobody took it over";
}

TEST_F(Walks, BeginAnHourAfterTheEndOfTheLast) {
  const VectorizerId notes = walked_table(1);
  ASSERT_TRUE(walk_begins(notes, 2));
  walk_ends(notes, 2, 10min);
  world.database.update_behind_triggers(notes, "0000", "notes 0 unseen");
  const Instant ended = world.now();
  ASSERT_TRUE(walk_begins(notes, 3));
  EXPECT_GE(world.now() - ended, 1h - 1s);
  EXPECT_LE(world.now() - ended, 1h + 10s);
}

TEST_F(Walks, AreSparedWhereNothingHasHappened) {
  const VectorizerId notes = walked_table(2);
  world.run_for(3h);
  const std::uint64_t walks = table(notes).walks_begun;
  EXPECT_EQ(walks, 2U) << "it had changed since the first";
  world.run_for(20h);
  EXPECT_EQ(table(notes).walks_begun, walks);
  world.database.update_behind_triggers(notes, "0500", "notes 500 unseen");
  EXPECT_TRUE(world.run_until([&] { return world.verdict().empty(); }, 1h + 10min));
  EXPECT_EQ(table(notes).walks_begun, walks + 1);
}

TEST_F(Walks, OfAWorkerThatIsGoneAreTakenOver) {
  const VectorizerId notes = walked_table(1);
  ASSERT_TRUE(walk_begins(notes, 2));
  world.kill_worker(0);
  world.start_worker();
  walk_ends(notes, 3, 10min);
}

}  // namespace
}  // namespace embedd::sim
