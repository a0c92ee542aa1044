// What bad rows cost their neighbours: finding k of n takes few more requests than n good rows would.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "support/sim_world.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;

/// Rows 0 to n − 1 of which `bad` are refused; one row that was accepted before.
struct Haul {
  Haul(std::uint64_t seed, int rows, const std::vector<int>& bad) : world(seed) {
    world.tells = false;
    world.options.claim_rows = 512;
    world.options.batch_inputs = 256;
    world.provider.limits.max_inputs = 2048;
    world.provider.limits.max_in_flight = 8;
    notes = world.add_table("notes", 1);
    world.start_worker();
    settle();
    const std::uint64_t before = world.provider.requests;
    std::vector<std::string> texts;
    for (int i = 0; i < rows; ++i) texts.push_back(fmt::format("text {}", i));
    for (const int i : bad) texts[static_cast<std::size_t>(i)] = fmt::format("poison {}", i);
    for (int i = 0; i < rows; ++i)
      world.database.put(notes, fmt::format("k{:05}", i), texts[static_cast<std::size_t>(i)],
                         world.database_now());
    settle();
    requests = world.provider.requests - before;
  }
  void settle() {
    EXPECT_TRUE(world.run_until([&] { return world.database.jobs() == 0; }, 1h));
  }
  World world;
  VectorizerId notes = 0;
  std::uint64_t requests = 0;
};

std::vector<int> some_of(int rows, int bad, Random& random) {
  std::vector<int> all(static_cast<std::size_t>(rows));
  std::iota(all.begin(), all.end(), 0);
  for (std::size_t i = all.size(); i > 1; --i) std::swap(all[i - 1], all[random.below(i)]);
  all.resize(static_cast<std::size_t>(bad));
  return all;
}

TEST(Bisection, FindsKBadRowsOfNInKLogNMoreRequests) {
  double worst = 0;
  for (const int rows : {1, 2, 3, 7, 16, 33, 100, 256, 700, 2000}) {
    for (int bad : {1, 2, 3, 5, 8, 13, 34, rows / 10, rows / 4, rows / 2, rows}) {
      if (bad < 1 || bad > rows || bad > 300) continue;
      for (std::uint64_t seed = 1; seed <= 4; ++seed) {
        Random random(seed * 1000 + static_cast<std::uint64_t>(bad));
        const std::uint64_t without = Haul(seed, rows, {}).requests;
        // Half of the time side by side, as in a bad import; else strewn.
        std::vector<int> at = some_of(rows, bad, random);
        if (seed % 2 == 0)
          std::iota(at.begin(), at.end(),
                    static_cast<int>(random.below(static_cast<std::uint64_t>(rows - bad + 1))));
        const Haul haul(seed, rows, at);
        EXPECT_EQ(haul.world.database.tables.at(haul.notes).dead.size(), static_cast<std::size_t>(bad));
        const double extra = static_cast<double>(haul.requests) - static_cast<double>(without);
        const double bound = 2 * bad * std::ceil(std::log2(std::max(2, std::min(rows, 256)))) + bad;
        worst = std::max(worst, extra / bound);
        EXPECT_LE(extra, bound) << bad << " of " << rows << ", seed " << seed;
        for (const auto& [text, times] : haul.world.provider.billed) ASSERT_EQ(times, 1) << text;
      }
    }
  }
  fmt::print("extra requests: at most {:.2f} of the bound 2k·log2(n) + k\n", worst);
}

TEST(Bisection, BadRowsInFrontOfEverythingElseDoNotMakeTheVectorizerRest) {
  World world(1);
  const VectorizerId notes = world.add_table("notes", 0);
  for (int i = 0; i < 60; ++i)
    world.database.put(notes, fmt::format("a{:04}", i), fmt::format("poison {}", i), world.database_now());
  for (int i = 0; i < 60; ++i)
    world.database.put(notes, fmt::format("b{:04}", i), fmt::format("good {}", i), world.database_now());
  world.start_worker();
  EXPECT_TRUE(world.run_until([&] { return world.database.jobs() == 0; }, 1min)) << world.story();
  EXPECT_EQ(world.database.tables.at(notes).dead.size(), 60U);
  EXPECT_EQ(world.verdict(), "");
}

TEST(Bisection, AGoodRowBehindTenBadOnesIsDoneWithinAPoll) {
  for (const char* bad : {"poison", "garbled", "long"})
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      World world(seed);
      world.answers_may_be_lost = true;  // garbled answers are billed
      const VectorizerId notes = world.add_table("notes", 0);
      for (int i = 0; i < 10; ++i)
        world.database.put(notes, fmt::format("a{:04}", i),
                           fmt::format("{} {} {}", bad, i, std::string(250, 'x')), world.database_now());
      world.database.put(notes, "b", "good", world.database_now());
      world.start_worker();
      const auto& rows = world.database.tables.at(notes).rows;
      EXPECT_TRUE(world.run_until([&] { return rows.at("b").vector.has_value(); }, world.options.poll))
          << bad << " seed " << seed << world.story();
      EXPECT_TRUE(world.run_until([&] { return world.database.jobs() == 0; }, 1h)) << bad;
      EXPECT_EQ(world.verdict(), "");
    }
}

TEST(Bisection, AVectorizerOfWhichEverythingIsRefusedRestsAndKeepsItsRows) {
  World world(1);
  const VectorizerId notes = world.add_table("notes", 300);
  world.provider.mood.fault = Error{ErrorKind::rejected, "no such parameter"};
  world.start_worker();
  world.run_for(3h);
  EXPECT_TRUE(world.database.tables.at(notes).dead.empty()) << world.story();
  EXPECT_EQ(world.database.jobs(), 300U);
  EXPECT_LE(world.provider.refused, 400U) << "it does not hammer";
  world.provider.mood.fault.reset();
  EXPECT_TRUE(world.run_until([&] { return world.database.jobs() == 0; }, 20min));
  EXPECT_EQ(world.verdict(), "");
}

}  // namespace
}  // namespace embedd::sim
