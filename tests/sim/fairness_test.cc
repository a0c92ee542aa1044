// Nobody waits for somebody else's problem: new rows, small vectorizers, healthy endpoints.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/sim_world.h"

namespace embedd::sim {
namespace {

using namespace std::chrono_literals;

class Fairness : public ::testing::Test {
 protected:
  void TearDown() override {
    for (const std::string& violation : world.violations) ADD_FAILURE() << violation;
    if (HasFailure()) std::cerr << world.story(200);
  }
  Table& table(VectorizerId id) { return world.database.tables.at(id); }
  bool stored_within(VectorizerId id, const std::string& key, Duration patience) {
    return world.run_until([&] { return table(id).rows.at(key).vector.has_value(); }, patience);
  }
  /// One new row a second for a minute, each of which must be embedded before the next but one comes.
  void expect_new_rows_at_once(VectorizerId id) {
    for (int i = 0; i < 60; ++i) {
      const std::string key = fmt::format("new {}", i);
      world.database.put(id, key, fmt::format("fresh text {}", i), world.database_now());
      ASSERT_TRUE(stored_within(id, key, 2s)) << key;
    }
  }
  World world{1};
};

TEST_F(Fairness, NewRowsDoNotWaitForRetries) {
  const VectorizerId notes = world.add_table("notes", 10);
  for (int i = 0; i < 200; ++i)
    world.database.put(notes, fmt::format("bad {}", i), fmt::format("garbled {}", i), world.database_now());
  world.options.poll = 1s;
  world.start_worker();
  world.run_for(10s);  // each has been found, alone, and comes again and again
  expect_new_rows_at_once(notes);
  EXPECT_TRUE(world.run_until([&] { return world.database.jobs() == 0; }, 2h));
  EXPECT_EQ(table(notes).dead.size(), 200U);
  // Finding each once, and then each alone at each of its attempts.
  EXPECT_LE(world.provider.requests, 2 * 200 * 5 + 200 * 5 + 100);
}

TEST_F(Fairness, ARowThatFailedBeforeTravelsAlone) {
  const VectorizerId notes = world.add_table("notes", 10);
  world.start_worker();
  world.run_for(2s);
  world.database.put(notes, "bad", "garbled", world.database_now());
  world.run_for(10s);
  EXPECT_GT(table(notes).queue.at("bad").attempt, 0);
  const auto before = world.provider.requests;
  // The next attempt comes together with a bulk of new rows, and fails without them.
  table(notes).queue.at("bad").run_at = world.database_now();
  for (int i = 0; i < 15; ++i)
    world.database.put(notes, fmt::format("new {}", i), fmt::format("fresh {}", i), world.database_now());
  world.run_for(6s);
  EXPECT_LE(world.provider.requests - before, 4U);
  for (int i = 0; i < 15; ++i) EXPECT_TRUE(table(notes).rows.at(fmt::format("new {}", i)).vector);
}

TEST_F(Fairness, ASmallVectorizerDoesNotWaitForABigOne) {
  const VectorizerId small = world.add_table("small", 0);
  world.add_table("big", 12'000);
  world.provider.mood.latency = 200ms;
  world.options.poll = 1s;
  world.start_worker();
  world.run_for(5s);
  for (int i = 0; i < 20; ++i) {
    const std::string key = fmt::format("new {}", i);
    world.database.put(small, key, "text " + key, world.database_now());
    ASSERT_TRUE(stored_within(small, key, 3s)) << key;
  }
  EXPECT_GT(world.database.jobs(), 0U) << "the big one still works";
}

/// A sick endpoint beside a healthy one; `sickness` is what it does to its requests.
class SickNeighbour : public Fairness,
                      public ::testing::WithParamInterface<std::pair<const char*, ProviderMood>> {};

TEST_P(SickNeighbour, DoesNotHarmAHealthyEndpoint) {
  const VectorizerId sick = world.add_table("sick", 6000);
  const VectorizerId well = world.add_table("well", 0);
  table(well).vectorizer.endpoint = "other";
  world.provider.limits.max_in_flight = 32;
  world.options.poll = 1s;
  world.options.max_in_flight = 32;
  world.options.held_bytes = 256 * kKiB;  // some ten requests
  world.options.claim_bytes = 16 * kKiB;
  world.start_worker();
  world.run_for(2s);  // it was well, and has the worker's trust
  ASSERT_GT(world.provider.requests, 100U);
  world.provider.mood = GetParam().second;
  for (int i = 0; i < 60; ++i) {
    const std::string key = fmt::format("new {}", i);
    world.database.put(well, key, "text " + key, world.database_now());
    ASSERT_TRUE(stored_within(well, key, 2s)) << key;
  }
  EXPECT_LE(world.most_held_bytes, world.options.held_bytes + 64 * kKiB);
  EXPECT_TRUE(table(sick).dead.empty());
  world.provider.mood = {};
  EXPECT_TRUE(world.run_until([&] { return world.database.jobs() == 0; }, 30min));
  EXPECT_EQ(world.verdict(), "");
}

INSTANTIATE_TEST_SUITE_P(
    With, SickNeighbour,
    ::testing::Values(std::pair("RateLimits",
                                ProviderMood{.fault = Error{ErrorKind::rate_limited, "429", seconds(2)}}),
                      std::pair("Errors", ProviderMood{.fault = Error{ErrorKind::unavailable, "503"}}),
                      std::pair("AWrongKey", ProviderMood{.fault = Error{ErrorKind::unauthenticated, "401"}}),
                      std::pair("NoMoney", ProviderMood{.fault = Error{ErrorKind::quota_exhausted, "money"}}),
                      std::pair("Hangs", ProviderMood{.fault = Error{ErrorKind::unavailable, "timed out"},
                                                      .latency = seconds(60)}),
                      std::pair("SlowAnswers", ProviderMood{.latency = seconds(20)})),
    [](const auto& test) { return std::string(test.param.first); });

}  // namespace
}  // namespace embedd::sim
