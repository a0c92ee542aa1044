// The loop's pulse: Observer::turned() comes while the worker waits, whatever the worker waits for, and stops
// with the loop.
#include "observe/health.h"
#include "observe/observers.h"
#include "support/scenario.h"
#include "support/sim_loop.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;

/// Notes when the pulse comes.
class PulseWatch final : public PartialObserver {
 public:
  explicit PulseWatch(const World& world) : world_(world), last_(world.now()) {}
  void turned() override {
    longest_pause_ = longest_pause();
    last_ = world_.now();
    ++beats_;
  }
  [[nodiscard]] std::uint64_t beats() const { return beats_; }
  /// The one that still lasts among them.
  [[nodiscard]] Duration longest_pause() const { return std::max(longest_pause_, world_.now() - last_); }

 private:
  const World& world_;
  Instant last_;
  Duration longest_pause_{};
  std::uint64_t beats_ = 0;
};

class Pulse : public Scenario {
 protected:
  /// Runs a worker for so long, together with what `more` does when it is told something.
  void run_worker(Duration length, std::vector<Observer*> more = {}) {
    more.insert(more.end(), {&pulse, &health, &story});
    observe::Observers all(std::move(more));
    BlockingLoop loop(world, all);
    world.at(length, [&] { loop.stop(); });
    loop.run();
  }
  /// Asks every second, as a probe of another thread does, whether the loop stands still.
  void probe_until(Duration end) {
    for (Duration at = 1s; at < end; at += 1s)
      world.at(at, [this] { stuck += health.report().stuck ? 1 : 0; });
  }

  WorldsIo clock{world};
  PulseWatch pulse{world};
  observe::Health health{clock, world.options.poll};
  Tracing story{world, 0};
  int stuck = 0;  ///< probes that found the loop so
};

/// Something that the worker waits for in a day's first ten minutes.
struct Wait {
  const char* name;
  void (*begins)(World&);
};
void PrintTo(const Wait& wait, std::ostream* out) { *out << wait.name; }

class WhileTheWorkerWaits : public Pulse, public ::testing::WithParamInterface<std::tuple<Wait, seconds>> {};

TEST_P(WhileTheWorkerWaits, ThePulseComesAtLeastOncePerPoll) {
  const auto& [wait, poll] = GetParam();
  world.options.poll = poll;
  world.add_table("notes", 200);
  wait.begins(world);
  probe_until(10min);
  run_worker(10min);
  EXPECT_LE(pulse.longest_pause(), poll);
  EXPECT_GE(pulse.beats(), 10min / poll);
  EXPECT_EQ(stuck, 0);
}

INSTANTIATE_TEST_SUITE_P(
    For, WhileTheWorkerWaits,
    ::testing::Combine(
        ::testing::Values(
            Wait{"Work", [](World&) {}},
            Wait{"SlowAnswers", [](World& world) { world.provider.mood.latency = 50s; }},
            Wait{"AnswersThatNeverCome", [](World& world) { world.provider.holds = true; }},
            Wait{"AnEndpointThatRests",
                 [](World& world) {
                   world.provider.mood.fault = Error{ErrorKind::rate_limited, "429", minutes(8)};
                 }},
            Wait{"AKey", [](World& world) { world.provider.key = KeyState::missing; }},
            Wait{"TheDatabase",
                 [](World& world) { world.at(1s, [&world] { world.restart_database(8min); }); }},
            Wait{"ADatabaseThatSaysNothing", [](World& world) { world.slow_polls = 8min; }},
            Wait{"ALockedTable", [](World& world) { world.database.tables.at(1).locked = true; }}),
        ::testing::Values(1s, 5s)),
    [](const auto& test) {
      return fmt::format("{}_PollsEvery{}s", std::get<0>(test.param).name, std::get<1>(test.param).count());
    });

/// Blocks for two minutes when it first hears of claimed jobs, as no observer may.
class Hanging final : public PartialObserver {
 public:
  Hanging(World& world, const PulseWatch& pulse) : world_(world), pulse_(pulse) {}
  void claimed(const Vectorizer&, std::size_t, std::size_t) override {
    if (std::exchange(hung_, true)) return;
    const std::uint64_t before = pulse_.beats();
    world_.run_for(2min);
    beats_ = pulse_.beats() - before;
  }
  [[nodiscard]] bool hung() const { return hung_; }
  [[nodiscard]] std::uint64_t beats_meanwhile() const { return beats_; }

 private:
  World& world_;
  const PulseWatch& pulse_;
  bool hung_ = false;
  std::uint64_t beats_ = 0;
};

TEST_F(Pulse, StopsWhileATurnHangsAndIsBackAfterwards) {
  world.add_table("notes", 20);
  world.answers_may_be_lost = true;  // its leases lapse meanwhile
  Hanging hanging(world, pulse);
  probe_until(5min);
  run_worker(5min, {&hanging});
  ASSERT_TRUE(hanging.hung());
  EXPECT_EQ(hanging.beats_meanwhile(), 0U);
  EXPECT_GE(pulse.longest_pause(), 2min);
  EXPECT_GE(stuck, 80) << "of two minutes, all but the first thirty seconds";
  EXPECT_LE(stuck, 100);
  EXPECT_FALSE(health.report().stuck);
}

}  // namespace
}  // namespace embedd::sim
