// What a worker may hold (G10).
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

}  // namespace
}  // namespace embedd::sim
