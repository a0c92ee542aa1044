// How long a worker believes in a lease: never longer than the database does.
#include <fmt/format.h>

#include "support/scenario.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;

class Lease : public Scenario {
 protected:
  void SetUp() override {
    world.options.lease = 4s;
    world.options.poll = 200ms;
  }
  /// Of the rows from the `first` on.
  [[nodiscard]] int paid_twice(int first, int rows) {
    int twice = 0;
    for (int i = first; i < rows; ++i)
      twice += world.provider.billed[fmt::format("notes {} v0", i)] > 1 ? 1 : 0;
    return twice;
  }
};

TEST_F(Lease, BeginsWhenItsClaimIsSentAndNotWhenItIsAnswered) {
  world.add_table("notes", 10);
  world.slow_claims = 3500ms;
  world.provider.mood.latency = 2s;
  world.start_worker();
  world.run_for(1s);
  world.slow_claims = {};
  world.start_worker();
  expect_all_true(1min);
  EXPECT_EQ(paid_twice(0, 10), 0);
}

TEST_F(Lease, IsNotExtendedBeforeTheDatabaseSaysSo) {
  const VectorizerId notes = world.add_table("notes", 32);
  world.answers_may_be_lost = true;  // those of the first request, whose lease lapses
  world.provider.limits.max_in_flight = 1;
  world.provider.holds = true;
  const int worker = world.start_worker();
  world.run_for(1s);
  const std::size_t sent = world.provider.inputs_in_flight;
  ASSERT_GT(world.worker(worker).leases(), sent) << "some wait behind the first request";
  table(notes).extends = false;
  world.run_for(10s);
  table(notes).extends = true;
  world.provider.holds = false;
  world.start_worker();
  expect_all_true(1min);
  EXPECT_EQ(paid_twice(static_cast<int>(sent), 32), 0)
      << "what waited behind the first request was another's by then";
}

TEST_F(Lease, ThatIsExtendedSaysNothingOfFreshness) {
  world.options.lease = 1500ms;
  const VectorizerId notes = world.add_table("notes", 0);
  world.database.put(notes, "1", "a text", world.now());
  world.start_worker();
  ASSERT_TRUE(world.run_until([&] { return world.provider.requests > 0; }, 10s));
  table(notes).locked = true;  // the lease is extended while the vector waits
  world.run_for(1200ms);
  table(notes).locked = false;
  expect_all_true(1min);
  world.run_for(1s);
  EXPECT_LE(world.freshened, 1U);
}

}  // namespace
}  // namespace embedd::sim
