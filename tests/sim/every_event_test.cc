// Not at random: a worker dies, is frozen, or loses its connection at each event of a small day in turn.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/sim_world.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;

/// What breaks, and whether that may cost an answer that was paid for.
struct Breakage {
  std::string name;
  std::function<void(World&, int worker)> happens;
  bool may_lose_answers;
};
void PrintTo(const Breakage& breakage, std::ostream* out) { *out << breakage.name; }

/// Rows of every kind: plain ones, an empty one, a poisonous one, one that a user holds for a while.
struct SmallDay {
  explicit SmallDay(std::uint64_t seed) : world(seed) {
    notes = world.add_table("notes", 40);
    world.database.put(notes, "0007", "", world.database_now());
    world.database.put(notes, "0011", "poison", world.database_now());
    world.database.put(notes, "0013", "long " + std::string(400, 'x'), world.database_now());
    world.database.lock_row(notes, "0021", false);
    world.at(900ms, [this] { world.database.finish(notes, "0021", std::nullopt, world.database_now()); });
    world.at(60ms, [this] { world.database.put(notes, "0030", "changed in flight", world.database_now()); });
    worker = world.start_worker();
  }
  bool settled() const { return world.database.jobs() == 0 && world.database.tables.at(notes).walked; }
  World world;
  VectorizerId notes = 0;
  int worker = 0;
};

class AtEveryEvent : public ::testing::TestWithParam<Breakage> {};

void break_at_every_event(const Breakage& breakage, std::uint64_t seed) {
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::size_t events = 0;
  for (bool in_time = true; in_time; ++events) {
    SmallDay day(seed);
    World& world = day.world;
    world.answers_may_be_lost = true;  // a text that changes in flight is paid for
    for (std::size_t i = 0; i < events; ++i) ASSERT_TRUE(world.step());
    in_time = !day.settled();
    breakage.happens(world, day.worker);
    ASSERT_TRUE(world.run_until([&] { return day.settled(); }, 10min)) << "at event " << events << "\n"
                                                                       << world.story();
    ASSERT_EQ(world.verdict(), "") << "at event " << events << "\n" << world.story();
    ASSERT_TRUE(world.violations.empty()) << world.violations.front() << "\n" << world.story();
    EXPECT_TRUE(world.database.tables.at(day.notes).dead.contains("0011"));
    if (breakage.may_lose_answers) continue;
    for (const auto& [text, times] : world.provider.billed)
      ASSERT_EQ(times, 1) << text << " at event " << events << "\n" << world.story();
  }
  EXPECT_GT(events, 60U) << "a day of many events";
}

TEST_P(AtEveryEvent, EveryPromiseIsKept) {
  for (std::uint64_t seed = 1; seed <= 5 && !HasFatalFailure(); ++seed)
    break_at_every_event(GetParam(), seed);
}

const Breakage kBreakages[] = {
    {"AWorkerDies",
     [](World& world, int worker) {
       world.kill_worker(worker);
       world.start_worker();
     },
     true},
    {"AWorkerIsToldToStop",
     [](World& world, int worker) {
       world.drain_worker(worker);
       world.start_worker();
     },
     false},
    {"ItsConnectionBreaks", [](World& world, int worker) { world.cut_connection(worker); }, false},
    {"TheDatabaseRestarts", [](World& world, int) { world.restart_database(3s); }, false},
    {"ItStallsForLongerThanItsLease",
     [](World& world, int worker) {
       world.freeze_worker(worker, 2min, false);
       world.start_worker();
     },
     true},
    {"ItsMachineSleeps",
     [](World& world, int worker) {
       world.freeze_worker(worker, 2min, true);
       world.start_worker();
     },
     true},
    {"TheDatabasesClockGoesBack", [](World& world, int) { world.set_database_clock(-2min); }, false},
    {"TheDatabasesClockGoesForward",
     [](World& world, int) {
       world.set_database_clock(2min);
       world.start_worker();
     },
     true},
};

INSTANTIATE_TEST_SUITE_P(When, AtEveryEvent, ::testing::ValuesIn(kBreakages),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace embedd::sim
