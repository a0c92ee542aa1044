// Endpoints that are slow, and others that are not: what is found out about them, alone and beside others
// (G7). EMBEDD_SIM_SEEDS says how often each is lived through, divided by 100 (10 times unless told).
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <numeric>

#include "support/sim_world.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;

std::uint64_t seeds(std::uint64_t share = 100) {
  const char* text = std::getenv("EMBEDD_SIM_SEEDS");
  return std::max<std::uint64_t>(1, (text == nullptr ? 1000 : std::strtoull(text, nullptr, 10)) / share);
}

/// A backfill that never ends, and workers that come one by one.
class Backfill {
 public:
  explicit Backfill(std::uint64_t seed) : world(seed), chance_(seed ^ 0xBACF) {
    world.tells = false;
    world.options.claim_rows = 512;
    world.options.batch_inputs = 2048;
    world.provider.limits = EndpointLimits();
    world.provider.mood.latency = milliseconds(1);
    world.provider.mood.jitter = milliseconds(20);
    notes_ = world.add_table("notes", 0);
  }

  void begin(double rows_per_second, int workers) {
    rows_per_second_ = rows_per_second;
    feed();
    for (int i = 0; i < workers; ++i)
      world.after(milliseconds(chance_.below(500)), [this] { world.start_worker(); });
  }
  /// A user changes a row every few seconds.
  void with_live_changes() {
    const std::string row = fmt::format("live {}", live_++);
    world.database.put(notes_, row, row, world.now());
    world.after(milliseconds(3000 + chance_.below(4000)), [this] { with_live_changes(); });
  }
  void server(double texts_per_second, unsigned lanes = 1) {
    world.provider.server.emplace(texts_per_second, lanes);
  }
  /// What was computed in this time, a second.
  double pace_over(Duration length) {
    const std::uint64_t before = world.provider.computed;
    forget();
    world.run_for(length);
    return static_cast<double>(world.provider.computed - before) / to_seconds(length);
  }
  std::vector<double> rows_of_each(int workers, Duration length) {
    std::vector<double> rows;
    for (int i = 0; i < workers; ++i)
      rows.push_back(-static_cast<double>(world.worker(i).summary().rows_embedded));
    world.run_for(length);
    for (int i = 0; i < workers; ++i)
      rows[static_cast<std::size_t>(i)] += static_cast<double>(world.worker(i).summary().rows_embedded);
    return rows;
  }
  /// The extremes so far.
  void forget() {
    world.longest_request = world.longest_freshness = Duration{};
    world.provider.most_inputs_in_flight = world.provider.inputs_in_flight;
    world.provider.most_requests_in_flight = world.provider.requests_in_flight;
  }
  bool coin() { return chance_.below(2) == 0; }
  [[nodiscard]] VectorizerId notes() const { return notes_; }
  std::string broken() const { return world.violations.empty() ? "" : world.violations.front(); }

  World world;

 private:
  void feed() {
    Table& table = world.database.tables.at(notes_);
    const auto enough = static_cast<std::size_t>(6 * rows_per_second_) + 50;
    while (table.queue.size() < enough) {
      const std::string key = fmt::format("{:07}", rows_++);
      table.rows[key].text = fmt::format("row {} {}", key, std::string(chance_.below(200), 'x'));
      // As the walk over a table does.
      table.queue[key] = QueuedJob{.run_at = world.now(), .priority = 1, .changed_at = world.now()};
    }
    world.after(1s, [this] { feed(); });
  }

  Random chance_;
  VectorizerId notes_ = 0;
  double rows_per_second_ = 0;
  std::uint64_t rows_ = 0;
  int live_ = 0;
};

struct Server {
  double pace;
  unsigned lanes;
  int workers;
};
std::string name(const testing::TestParamInfo<Server>& test) {
  return fmt::format("{}TextsASecond{}AtATime{}Workers", test.param.pace, test.param.lanes,
                     test.param.workers);
}

class SlowServer : public testing::TestWithParam<Server> {};

TEST_P(SlowServer, IsKeptBusyAndNotRunIntoTheGround) {
  const auto [pace, lanes, workers] = GetParam();
  for (std::uint64_t seed = 1; seed <= seeds(pace > 100 ? 500 : 100); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Backfill backfill(seed);
    backfill.server(pace, lanes);
    backfill.begin(pace, workers);
    backfill.with_live_changes();
    backfill.world.run_for(20s);
    // Workers that try fewer requests at the same time leave lanes idle meanwhile.
    const double share = lanes > 1 && workers > 1 ? 0.8 : 0.9;
    EXPECT_GE(backfill.pace_over(80s), share * pace);
    const Provider& provider = backfill.world.provider;
    EXPECT_EQ(provider.abandoned, 0U);
    EXPECT_LE(static_cast<double>(provider.most_inputs_in_flight), 10 * pace) << "seconds of work";
    EXPECT_LE(backfill.world.longest_freshness, 4 * backfill.world.longest_request);
    EXPECT_LE(backfill.world.longest_request, Duration(20s));
    EXPECT_EQ(backfill.broken(), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Serial, SlowServer,
                         testing::Values(Server{5, 1, 1}, Server{5, 1, 4}, Server{40, 1, 1}, Server{40, 1, 4},
                                         Server{400, 1, 1}, Server{400, 1, 4}),
                         name);
INSTANTIATE_TEST_SUITE_P(Parallel, SlowServer,
                         testing::Values(Server{5, 8, 1}, Server{40, 8, 1}, Server{400, 8, 1},
                                         Server{40, 8, 4}),
                         name);

class Endpoint : public testing::Test {
 protected:
  /// Lives through `day` on many seeds.
  template <typename Day>
  void on_many_seeds(Day day) {
    for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
      SCOPED_TRACE(fmt::format("seed {}", seed));
      Backfill backfill(seed);
      day(backfill);
      EXPECT_EQ(backfill.broken(), "");
    }
  }
};

TEST_F(Endpoint, ThatSlowsDownToATenthForAMinuteIsNotGivenUp) {
  on_many_seeds([](Backfill& backfill) {
    const int workers = backfill.coin() ? 4 : 1;
    backfill.server(40);
    backfill.begin(40, workers);
    backfill.world.run_for(60s);
    backfill.world.set_pace(backfill.world.provider, 4);
    EXPECT_GE(backfill.pace_over(60s), 0.9 * 4);
    backfill.world.set_pace(backfill.world.provider, 40);
    backfill.world.run_for(20s);
    EXPECT_GE(backfill.pace_over(60s), 0.9 * 40);
    EXPECT_EQ(backfill.world.provider.abandoned, 0U);
  });
}

TEST_F(Endpoint, ThatIsSlowIsSharedEvenlyByWorkersThatDoNotKnowOfEachOther) {
  on_many_seeds([](Backfill& backfill) {
    backfill.server(40);
    backfill.begin(40, 1);
    for (int i = 1; i < 4; ++i) backfill.world.after(i * 15s, [&] { backfill.world.start_worker(); });
    backfill.world.run_for(240s);
    const std::vector<double> rows = backfill.rows_of_each(4, 60s);
    const double mean = std::accumulate(rows.begin(), rows.end(), 0.0) / 4;
    EXPECT_THAT(rows, testing::Each(testing::AllOf(testing::Gt(0.6 * mean), testing::Lt(1.5 * mean))));
    backfill.forget();
    backfill.world.run_for(60s);
    EXPECT_LE(backfill.world.provider.most_requests_in_flight, 40U);
    EXPECT_LE(backfill.world.provider.most_inputs_in_flight, 5U * 40) << "seconds of work";
  });
}

/// A server gains nothing by more requests than it computes at a time.
TEST_F(Endpoint, ThatIsSerialGetsFewRequestsAtATime) {
  on_many_seeds([](Backfill& backfill) {
    backfill.server(40);
    backfill.begin(40, 1);
    backfill.world.run_for(90s);
    backfill.forget();
    backfill.world.run_for(120s);
    EXPECT_LE(backfill.world.provider.most_requests_in_flight, 3U);
    EXPECT_LE(backfill.world.longest_request, Duration(5s));
  });
}

/// 225 ms on average, whatever is asked: as many requests as are allowed, as large as they may be.
TEST_F(Endpoint, ThatIsFastIsUsedToTheFullFromTheFirstSeconds) {
  on_many_seeds([](Backfill& backfill) {
    World& world = backfill.world;
    world.provider.mood.latency = 50ms;
    world.provider.mood.jitter = 350ms;
    world.provider.limits.max_in_flight = world.options.max_in_flight = 64;
    world.provider.limits.max_inputs = 4;
    const double at_best = 64 * 4 / 0.225;
    backfill.begin(at_best, 1);
    world.run_for(3s);
    const std::uint64_t before = world.provider.requests;
    world.run_for(5s);
    EXPECT_GE(static_cast<double>(world.provider.requests - before), 0.9 * at_best / 4 * 5);
    EXPECT_EQ(world.provider.most_requests_in_flight, 64U);
  });
}

/// Two minutes for a text: longer than a request is waited for by default.
TEST_F(Endpoint, ThatTakesLongerThanTheTimeoutIsWaitedForInTheEnd) {
  on_many_seeds([](Backfill& backfill) {
    World& world = backfill.world;
    world.answers_may_be_lost = true;
    backfill.server(1.0 / 120);
    const VectorizerId notes = backfill.notes();
    for (int i = 0; i < 6; ++i)
      world.database.put(notes, std::to_string(i), fmt::format("{}", i), world.now());
    world.start_worker();
    EXPECT_TRUE(world.run_until([&] { return world.database.jobs() == 0; }, 3h));
    EXPECT_LE(world.provider.abandoned, 12U) << "less and less is asked for, with more and more patience";
  });
}

TEST_F(Endpoint, ThatAnswersOthersIsAlive) {
  on_many_seeds([](Backfill& backfill) {
    World& world = backfill.world;
    backfill.server(0.2);  // so that the second of the first two requests takes longer than the timeout
    world.provider.limits.timeout = 30s;
    const VectorizerId notes = backfill.notes();
    for (int i = 0; i < 8; ++i)
      world.database.put(notes, std::to_string(i), fmt::format("{}", i), world.now());
    world.start_worker();
    EXPECT_TRUE(world.run_until([&] { return world.database.jobs() == 0; }, 50s));
    EXPECT_EQ(world.provider.abandoned, 0U);
  });
}

TEST_F(Endpoint, ThatForgetsARequestIsNotWaitedForBecauseItAnswersLaterOnes) {
  on_many_seeds([](Backfill& backfill) {
    World& world = backfill.world;
    world.answers_may_be_lost = true;
    backfill.begin(100, 1);
    world.run_for(5s);
    world.provider.forgets_next = true;
    world.run_for(50s);
    EXPECT_EQ(world.provider.abandoned, 0U);
    world.run_for(20s);
    EXPECT_GT(world.provider.abandoned, 0U);
  });
}

}  // namespace
}  // namespace embedd::sim
