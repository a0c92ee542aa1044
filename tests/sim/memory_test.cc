// What a worker may hold (G10).
#include <fmt/format.h>

#include "support/scenario.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;

class Memory : public Scenario {};

TEST_F(Memory, IsEnoughForTheAnswersAlsoWhereTheServerIsWordy) {
  world.options.held_bytes = 256 * kKiB;
  world.provider.bytes_per_value = 500;
  world.provider.limits.max_in_flight = 64;
  world.provider.mood.latency = 1s;
  world.add_table("notes", 1000);
  world.start_worker();
  world.run_for(2s);  // the first answers teach it
  world.provider.most_answers_bytes = 0;
  expect_all_true();
  EXPECT_GT(world.provider.most_answers_bytes, 64 * kKiB) << "it works on";
  EXPECT_LE(world.provider.most_answers_bytes, 256 * kKiB);
}

/// Each vectorizer may have claimed a request's worth of jobs when the memory is used up.
TEST_F(Memory, IsEnoughForTheAnswersOfManyVectorizers) {
  world.options.held_bytes = 256 * kKiB;
  world.options.claim_bytes = 4 * kKiB;
  world.provider.bytes_per_value = 500;
  world.provider.limits.max_in_flight = 64;
  world.provider.mood.latency = 1s;
  for (int i = 0; i < 20; ++i) world.add_table(fmt::format("notes{}", i), 200);
  world.start_worker();
  world.run_for(2s);  // the first answers teach it
  world.most_held_bytes = 0;
  expect_all_true();
  EXPECT_GT(world.most_held_bytes, 128 * kKiB) << "it uses what it has";
  EXPECT_LE(world.most_held_bytes, 256 * kKiB + 64 * kKiB);
}

/// The database reads a text to see how long it is: not many times what a claim can take.
TEST_F(Memory, OfLongTextsFewRowsAreAskedFor) {
  const VectorizerId notes = world.add_table("notes", 0);
  world.options.claim_bytes = 8 * kKiB;
  world.options.claim_rows = 512;
  constexpr std::uint64_t kRows = 1000;
  for (std::uint64_t i = 0; i < kRows; ++i)
    world.database.put(notes, std::to_string(i), std::to_string(i) + std::string(900, 'y'), world.now());
  world.start_worker();
  expect_all_true();
  EXPECT_LE(world.rows_asked_for, 4 * kRows);
}

TEST_F(Memory, HoldsNoMoreJobsThanCanBeSettledSoon) {
  const VectorizerId notes = world.add_table("notes", 3000);
  for (int i = 0; i < 3000; ++i) world.database.put(notes, fmt::format("{:04}", i), " ", world.now());
  world.slow_settlements = 5s;
  world.start_worker();
  expect_all_true();
  EXPECT_EQ(world.provider.requests, 0U);
  EXPECT_LE(world.most_leases, 17 * world.options.claim_rows);
}

}  // namespace
}  // namespace embedd::sim
