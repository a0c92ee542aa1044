// Tables under a migration's lock: each question costs the lock timeout, and everyone shares the connection.
#include <fmt/format.h>

#include "support/scenario.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;

class LockedTables : public Scenario {};

TEST_F(LockedTables, AreAskedForOneAtATime) {
  std::vector<VectorizerId> locked;
  for (int i = 0; i < 5; ++i) locked.push_back(world.add_table(fmt::format("locked {}", i), 20));
  const VectorizerId open = world.add_table("open", 20);
  for (const VectorizerId id : locked) table(id).locked = true;
  world.slow_claims = 150ms;  // the lock timeout
  world.start_worker();
  world.run_for(10s);  // by now it has found out
  EXPECT_TRUE(table(open).queue.empty());
  world.most_waits_for_locks = 0;
  world.run_for(2min);
  EXPECT_EQ(world.most_waits_for_locks, 1);
  for (const VectorizerId id : locked) table(id).locked = false;
  expect_all_true();
}

}  // namespace
}  // namespace embedd::sim
