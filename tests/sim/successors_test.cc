// Not at random: at each event of a small day in turn, in which a successor is filled beside the living
// vectorizer, the two change their places, or one is dropped.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/sim_world.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;

/// What the owner does, whatever else happens then.
struct Change {
  std::string name;
  std::function<void(World&, VectorizerId living)> happens;
  std::size_t left = 2;  ///< vectorizers
  bool may_lose_answers = false;
};
void PrintTo(const Change& change, std::ostream* out) { *out << change.name; }

/// Rows of every kind: plain ones, an empty one, a poisonous one, one that is edited. The day begins when all
/// rows wait for either vector.
struct SmallDay {
  SmallDay(std::uint64_t seed, bool stores) : world(seed) {
    notes = stores ? world.add_store("notes", 10) : world.add_table("notes", 24);
    world.database.put(notes, "0007", "", world.database_now());
    world.database.put(notes, "0008", "poison", world.database_now());
    EXPECT_NE(world.database.begin_change(notes, " next"), 0);
    world.at(60ms, [this] { world.database.put(notes, "0003", "changed in flight", world.database_now()); });
    world.start_worker();
    EXPECT_TRUE(world.run_until([this] { return walked(); }, 1s));
  }
  [[nodiscard]] bool walked() const {
    for (const auto& [id, table] : world.database.tables)
      if (!table.dropped && !table.walked) return false;
    return true;
  }
  [[nodiscard]] bool settled() const { return walked() && world.database.jobs() == 0; }
  World world;
  VectorizerId notes = 0;
};

class Successors : public ::testing::TestWithParam<Change> {};

void change_at_every_event(const Change& change, bool stores, std::uint64_t seed) {
  SCOPED_TRACE(fmt::format("seed {}", seed));
  std::size_t events = 0;
  for (bool in_time = true; in_time; ++events) {
    SmallDay day(seed, stores);
    World& world = day.world;
    world.answers_may_be_lost = true;  // a text that changes in flight is paid for
    for (std::size_t i = 0; i < events; ++i) ASSERT_TRUE(world.step());
    in_time = !day.settled();
    world.tell("the owner changes the vectorizer: {}", change.name);
    change.happens(world, day.notes);
    ASSERT_TRUE(world.run_until([&] { return day.settled(); }, 10min)) << "at event " << events << "\n"
                                                                       << world.story();
    ASSERT_EQ(world.verdict(), "") << "at event " << events << "\n" << world.story();
    ASSERT_TRUE(world.violations.empty()) << world.violations.front() << "\n" << world.story();
    const auto left = world.database.family(world.database.living(day.notes));
    ASSERT_EQ(left.size(), change.left);
    for (const VectorizerId id : left) ASSERT_TRUE(world.database.tables.at(id).dead.contains("0008"));
    if (change.may_lose_answers) continue;
    for (const auto& [text, times] : world.provider.billed)
      ASSERT_EQ(times, 1) << text << " at event " << events << "\n" << world.story();
  }
  EXPECT_GT(events, 60U) << "a day of many events";
}

TEST_P(Successors, MayChangePlacesAtAnyMoment) {
  for (std::uint64_t seed = 1; seed <= 3 && !HasFatalFailure(); ++seed)
    change_at_every_event(GetParam(), false, seed);
}

TEST_P(Successors, OfStoresMayChangePlacesAtAnyMoment) {
  for (std::uint64_t seed = 1; seed <= 1 && !HasFatalFailure(); ++seed)
    change_at_every_event(GetParam(), true, seed);
}

void switch_now(World& world, VectorizerId living, bool back = false) {
  EXPECT_TRUE(world.database.switch_places(living, back, /*incomplete=*/true));
}

const Change kChanges[] = {
    {"ASwitch", [](World& world, VectorizerId living) { switch_now(world, living); }},
    {"ASwitchAndBackAtOnce",
     [](World& world, VectorizerId living) {
       switch_now(world, living);
       switch_now(world, world.database.living(living), true);
     }},
    {"ASwitchAndBackBeforeTheNextPoll",
     [](World& world, VectorizerId living) {
       switch_now(world, living);
       world.after(1s, [&world, living] { switch_now(world, world.database.living(living), true); });
     }},
    {"ASwitchAndALostConnection",
     [](World& world, VectorizerId living) {
       world.cut_connection(0);
       switch_now(world, living);
     }},
    {"ASwitchAndADeath",
     [](World& world, VectorizerId living) {
       switch_now(world, living);
       world.kill_worker(0);
       world.start_worker();
     },
     2, true},
    {"ASwitchAndAStop",
     [](World& world, VectorizerId living) {
       switch_now(world, living);
       world.drain_worker(0);
       world.start_worker();
     }},
    {"AChangeThatIsGivenUp",
     [](World& world, VectorizerId living) { EXPECT_TRUE(world.database.cancel_change(living)); }, 1},
    {"ASwitchWithoutAWayBack",
     [](World& world, VectorizerId living) {
       switch_now(world, living);
       EXPECT_TRUE(world.database.prune(world.database.living(living)));
     },
     1},
};

INSTANTIATE_TEST_SUITE_P(During, Successors, ::testing::ValuesIn(kChanges),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace embedd::sim
