// A server that takes fewer inputs at a time than it says: what it costs to find that out.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/sim_world.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;

/// Requests that were refused until all rows were embedded.
std::uint64_t refusals_for(int rows, std::size_t takes, bool blames_inputs, std::uint64_t seed) {
  World world(seed);
  world.tells = false;
  world.provider.takes_inputs = takes;
  world.provider.blames_inputs = blames_inputs;
  world.add_table("notes", rows);
  world.start_worker();
  EXPECT_TRUE(world.run_until([&] { return world.database.jobs() == 0; }, 1h));
  EXPECT_EQ(world.verdict(), "");
  return world.provider.too_many;
}

TEST(InputLimit, IsLearnedWithinAHandfulOfRefusals) {
  for (const std::size_t takes : {1U, 10U, 32U, 100U})
    for (const bool blames_inputs : {false, true})
      for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        EXPECT_LE(refusals_for(3000, takes, blames_inputs, seed), 60U)
            << takes << (blames_inputs ? " blames inputs" : "") << " seed " << seed;
      }
}

TEST(InputLimit, IsLearnedFromOneRefusalThatNamesIt) {
  for (const std::size_t takes : {1U, 10U, 32U, 100U}) {
    World world(1);
    world.tells = false;
    world.provider.takes_inputs = takes;
    world.provider.names_inputs = true;
    world.add_table("notes", 600);
    world.start_worker();
    EXPECT_TRUE(world.run_until([&] { return world.database.jobs() == 0; }, 1h));
    EXPECT_EQ(world.verdict(), "");
    // One more than the limit is tried now and then.
    EXPECT_LE(world.provider.too_many, 16U) << takes;
  }
}

TEST(InputLimit, IsRememberedForADay) {
  World world(1);
  world.tells = false;
  world.provider.takes_inputs = 10;
  const VectorizerId notes = world.add_table("notes", 0);
  const auto refusals_of_a_new_worker = [&](const std::string& prefix) {
    const std::uint64_t before = world.provider.too_many;
    for (int i = 0; i < 300; ++i)
      world.database.put(notes, fmt::format("{} {}", prefix, i), fmt::format("{} text {}", prefix, i),
                         world.database_now());
    const int worker = world.start_worker();
    EXPECT_TRUE(world.run_until([&] { return world.database.jobs() == 0; }, 1h));
    world.run_for(10s);  // its next poll has what it learned remembered
    world.kill_worker(worker);
    world.run_for(2min);
    return world.provider.too_many - before;
  };
  const std::uint64_t first = refusals_of_a_new_worker("first");
  EXPECT_GE(first, 1U);
  EXPECT_LE(refusals_of_a_new_worker("second"), 1U) << "one more than the limit is tried now and then";
  world.run_for(25h);
  EXPECT_GE(refusals_of_a_new_worker("a day later"), 1U);
  EXPECT_EQ(world.verdict(), "");
}

TEST(InputLimit, IsNotLearnedFromWrongAnswers) {
  World world(1);
  world.tells = false;
  const VectorizerId notes = world.add_table("notes", 64);
  world.start_worker();
  const auto add = [&](const std::string& prefix, int rows) {
    for (int i = 0; i < rows; ++i)
      world.database.put(notes, fmt::format("{} {}", prefix, i), fmt::format("{} text {}", prefix, i),
                         world.database_now());
    EXPECT_TRUE(world.run_until([&] { return world.database.jobs() == 0; }, 1h));
  };
  add("first", 64);
  for (int wrong = 0; wrong < 5; ++wrong) {
    world.provider.fail_next = Error{ErrorKind::invalid_answer, "wrong"};
    add(fmt::format("wrong {}", wrong), 4);
  }
  const std::uint64_t before = world.provider.requests;
  add("last", 2000);
  EXPECT_LE(world.provider.requests - before, 200U);
  EXPECT_EQ(world.verdict(), "");
}

}  // namespace
}  // namespace embedd::sim
