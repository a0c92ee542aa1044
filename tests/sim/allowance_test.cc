// One account for many workers: together they use what it allows, and no more.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "support/sim_world.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;

class OneAccount : public ::testing::Test {
 protected:
  /// `workers` have more to do than they can for `length`, after a start in which limits are learned.
  void run(int workers, Duration length) {
    world.tells = false;
    const VectorizerId notes = world.add_table("notes", 0);
    for (int i = 0; i < 30'000; ++i)
      world.database.put(notes, std::to_string(i), std::to_string(i) + std::string(50 + i % 100, 'x'),
                         world.now());
    world.options.batch_inputs = 64;
    world.options.claim_rows = 64;
    world.provider.limits.max_inputs = 64;
    world.provider.limits.max_in_flight = 32;
    for (int i = 0; i < workers; ++i) world.start_worker();
    world.run_for(20s);
    meter().accepted = meter().refused = meter().tokens = 0;
    for (int i = 0; i < workers; ++i) before.push_back(world.worker(i).summary().rows_embedded);
    world.run_for(length);
    EXPECT_GT(world.database.jobs(), 0U) << "the account was not what limited them";
  }
  void expect_even_work() {
    std::vector<double> rows;
    for (std::size_t i = 0; i < before.size(); ++i)
      rows.push_back(
          static_cast<double>(world.worker(static_cast<int>(i)).summary().rows_embedded - before[i]));
    const double mean = std::accumulate(rows.begin(), rows.end(), 0.0) / static_cast<double>(rows.size());
    EXPECT_THAT(rows, testing::Each(testing::AllOf(testing::Gt(0.7 * mean), testing::Lt(1.3 * mean))));
  }
  Meter& meter() { return *world.provider.meter; }
  [[nodiscard]] double refused_share() {
    return static_cast<double>(meter().refused) / static_cast<double>(meter().accepted + meter().refused);
  }

  World world{7};
  std::vector<std::uint64_t> before;  ///< rows embedded when counting began, per worker
};

TEST_F(OneAccount, FourWorkersUseItsTokensAndNoMore) {
  world.provider.meter = Meter{.tokens_per_minute = 60'000};
  run(4, 10min);
  EXPECT_LE(refused_share(), 0.01);
  EXPECT_GE(static_cast<double>(meter().tokens), 0.95 * 60'000 * 10);
  expect_even_work();
}

TEST_F(OneAccount, FourWorkersUseItsRequestsAndNoMore) {
  world.provider.meter = Meter{.requests_per_minute = 30};
  run(4, 10min);
  EXPECT_LE(refused_share(), 0.01);
  EXPECT_GE(static_cast<double>(meter().accepted), 0.95 * 30 * 10);
  expect_even_work();
}

TEST_F(OneAccount, LimitsOfTheConfigurationNeedNoHeaders) {
  world.provider.meter = Meter{.requests_per_minute = 60, .tokens_per_minute = 90'000, .announced = false};
  world.provider.limits.requests_per_minute = 60;
  world.provider.limits.tokens_per_minute = 90'000;
  run(3, 5min);
  EXPECT_EQ(meter().refused, 0U);
  EXPECT_GE(std::max(static_cast<double>(meter().tokens) / (90'000 * 5),
                     static_cast<double>(meter().accepted) / (60 * 5)),
            0.95);
}

TEST_F(OneAccount, ASmallVectorizerDoesNotWaitForABigOne) {
  world.tells = false;
  const VectorizerId big = world.add_table("big", 0), small = world.add_table("small", 0);
  world.provider.meter = Meter{.requests_per_minute = 60};
  for (int i = 0; i < 20'000; ++i)
    world.database.put(big, std::to_string(i), "big " + std::to_string(i), world.now());
  world.start_worker();
  world.run_for(1min);
  for (int i = 0; i < 10; ++i) {
    world.database.put(small, std::to_string(i), "small " + std::to_string(i), world.now());
    EXPECT_TRUE(world.run_until([&] { return world.database.tables.at(small).queue.empty(); }, 15s));
  }
  EXPECT_FALSE(world.database.tables.at(big).queue.empty());
}

TEST_F(OneAccount, ModelsHaveLimitsOfTheirOwn) {
  world.tells = false;
  const std::map<std::string, double> per_minute = {{"large", 12'000}, {"small", 60'000}};
  for (const auto& [model, tokens] : per_minute) {
    world.provider.model_meters[model] = Meter{.tokens_per_minute = tokens};
    const VectorizerId id = world.add_table(model, 0);
    world.database.tables.at(id).vectorizer.model = model;
    for (int i = 0; i < 8'000; ++i)
      world.database.put(id, std::to_string(i), model + std::to_string(i) + std::string(100, 'x'),
                         world.now());
  }
  for (int i = 0; i < 2; ++i) world.start_worker();
  world.run_for(20s);
  for (auto& [model, meter] : world.provider.model_meters) meter.refused = meter.tokens = 0;
  world.run_for(10min);
  for (const auto& [model, meter] : world.provider.model_meters) {
    EXPECT_LE(meter.refused, 2U) << model;
    EXPECT_GE(static_cast<double>(meter.tokens), 0.9 * per_minute.at(model) * 10) << model;
  }
}

TEST_F(OneAccount, LimitsOfTheConfigurationAreThoseOfAllModels) {
  Random random(1);
  PartialObserver nobody;
  EndpointGate gate("openai", nobody, random);
  gate.refresh(KeyState::present, 1, {.requests_per_minute = 60});
  EXPECT_EQ(&gate.allowance("small"), &gate.allowance("large"));
  gate.refresh(KeyState::present, 1, {});
  gate.allowance("small").learn({.limit_requests = 60});
  EXPECT_TRUE(gate.allowance("small").limited());
  EXPECT_FALSE(gate.allowance("large").limited());
}

TEST_F(OneAccount, AMinutesLimitThatFillsUpSlowlyIsNoDaysLimit) {
  Allowance allowance("any");
  allowance.learn({.limit_requests = 3000, .remaining_requests = 2999, .reset_requests = Duration(59s)});
  const auto reservation = allowance.reserve(1, world.now());
  ASSERT_TRUE(reservation);
  EXPECT_LT(reservation->requests_time, Duration(100ms));
}

TEST_F(OneAccount, ADaysLimitIsSpreadOverTheDay) {
  Allowance allowance("any");
  allowance.learn({.limit_requests = 10'000, .remaining_requests = 9'000, .reset_requests = Duration(8640s)});
  const auto reservation = allowance.reserve(1, world.now());
  ASSERT_TRUE(reservation);
  EXPECT_GT(reservation->requests_time, Duration(8s));
}

TEST_F(OneAccount, AnAccountThatCannotBeKeptStillPacesItsWorker) {
  Allowance allowance("any");
  allowance.learn({.limit_requests = 60});
  const auto reservation = allowance.reserve(1, world.now());
  ASSERT_TRUE(reservation);
  allowance.reserved({*reservation, fail(ErrorKind::misconfigured, "permission denied")}, world.now());
  EXPECT_EQ(allowance.open_for(world.now()), 0U);
  EXPECT_GT(allowance.open_for(world.now() + 2s), 0U);
}

TEST_F(OneAccount, AWorkerThatDiesTakesNothingWithIt) {
  world.answers_may_be_lost = true;
  world.provider.meter = Meter{.tokens_per_minute = 60'000};
  for (int minute = 1; minute < 10; ++minute)
    world.at(20s + minute * 1min, [this, minute] { world.kill_worker(minute - 1), world.start_worker(); });
  run(2, 10min);
  EXPECT_LE(meter().refused, 2U * 9) << "a new worker learns the limits from its first answers";
  EXPECT_GE(static_cast<double>(meter().tokens), 0.9 * 60'000 * 10);
}

TEST_F(OneAccount, WhatTheProviderTellsOneOfThemAllHeed) {
  world.provider.meter = Meter{.tokens_per_minute = 60'000};
  run(4, 1min);
  world.provider.fail_next = Error{ErrorKind::rate_limited, "429", Duration(40s)};
  world.run_for(18s);  // what was granted before may still be spent
  const std::uint64_t accepted = meter().accepted;
  world.run_for(18s);
  EXPECT_EQ(meter().accepted, accepted);
  world.run_for(30s);
  EXPECT_GT(meter().accepted, accepted);
}

}  // namespace
}  // namespace embedd::sim
