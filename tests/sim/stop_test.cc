// How long a stopping worker stays: here the loop blocks in its wait, as the real one does.
#include "support/scenario.h"
#include "support/sim_loop.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;

class Stop : public Scenario {
 protected:
  /// Runs a worker that is told to stop at `when`; how much later it has left.
  Duration leaves_after(Duration when) {
    Tracing observer(world, 0);
    BlockingLoop loop(world, observer);
    Instant asked_at{};
    world.at(when, [&] {
      asked_at = world.now();
      loop.stop();
    });
    loop.run();
    return world.now() - asked_at;
  }
};

TEST_F(Stop, AnIdleWorkerLeavesAtOnceAndNotAtItsNextPoll) {
  world.options.poll = 20s;
  const VectorizerId notes = world.add_table("notes", 20);
  EXPECT_EQ(leaves_after(67s), Duration{});
  EXPECT_EQ(table(notes).queue.size(), 0U);
}

TEST_F(Stop, AWorkerThatHoldsJobsGivesThemBackFirst) {
  const VectorizerId notes = world.add_table("notes", 500);
  world.provider.mood.latency = 3s;
  const Duration after = leaves_after(1s);
  EXPECT_GT(after, 1s);
  EXPECT_LT(after, 5s);
  for (const auto& [key, queued] : table(notes).queue) EXPECT_FALSE(queued.lease) << key;
}

TEST_F(Stop, ADrainingWorkerSaysSoAtOnceAndAsLongAsItLasts) {
  world.options.poll = 20s;
  world.provider.mood.latency = 25s;
  world.provider.mood.jitter = {};
  world.add_table("notes", 10);
  const int worker = world.start_worker();
  world.run_for(5s);
  EXPECT_FALSE(world.heartbeats.at(worker).draining);
  world.drain_worker(worker);
  world.run_for(100ms);
  EXPECT_TRUE(world.heartbeats.at(worker).draining);
  EXPECT_GE(world.heartbeats.at(worker).requests_in_flight, 1U);
  world.heartbeats.clear();
  EXPECT_TRUE(world.run_until([&] { return world.heartbeats.contains(worker); }, 21s))
      << "others see it alive";
  EXPECT_TRUE(world.heartbeats.at(worker).draining);
}

}  // namespace
}  // namespace embedd::sim
