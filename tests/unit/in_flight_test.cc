// Requests in flight: what they hold, whose company they are in, and which of them are silent.
#include "core/in_flight.h"

#include <gtest/gtest.h>

#include "core/embedder.h"
#include "core/observer.h"

namespace embedd {
namespace {

constexpr Instant kNow = Instant{} + seconds(1000);

Batch batch(VectorizerId id, const std::string& endpoint, std::size_t jobs, std::size_t bytes) {
  Batch batch;
  batch.vectorizer = {.id = id, .endpoint = endpoint};
  batch.jobs.resize(jobs);
  batch.travelling.resize(jobs);
  batch.bytes = bytes;
  return batch;
}

class InFlightTest : public testing::Test {
 protected:
  InFlightTest() {
    for (const char* endpoint : {"a", "b"})
      gate(endpoint).refresh(KeyState::present, 0, {.timeout = seconds(60)});
  }
  EndpointGate& gate(const std::string& endpoint) {
    return gates_.try_emplace(endpoint, endpoint, observer_, random_).first->second;
  }
  std::uint64_t add(VectorizerId id, const std::string& endpoint, std::size_t jobs, std::size_t bytes,
                    Instant at = kNow) {
    return in_flight.add(batch(id, endpoint, jobs, bytes), gate(endpoint), at).id;
  }

  InFlight in_flight;

 private:
  PartialObserver observer_;
  Random random_{1};
  std::map<std::string, EndpointGate> gates_;
};

TEST_F(InFlightTest, HoldsRequestsUntilTheyAreTaken) {
  EXPECT_EQ(in_flight.size(), 0U);
  const auto first = add(1, "a", 3, 100), second = add(1, "a", 4, 200), third = add(2, "b", 5, 400);
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
  EXPECT_EQ(in_flight.size(), 3U);
  EXPECT_EQ(in_flight.jobs(), 12U);
  EXPECT_EQ(in_flight.bytes(), 700U);
  EXPECT_EQ(in_flight.requests_of(1), 2U);
  EXPECT_EQ(in_flight.requests_of(3), 0U);
  const auto used = in_flight.used_by("a");
  EXPECT_EQ(used.bytes, 300U);
  EXPECT_EQ(used.requests, 2U);
  EXPECT_EQ(used.inputs, 7U);
  EXPECT_EQ(in_flight.take(first).jobs.size(), 3U);
  EXPECT_EQ(in_flight.jobs(), 9U);
  EXPECT_EQ(in_flight.used_by("a").requests, 1U);
}

TEST_F(InFlightTest, KnowsTheCompanyOfEachRequestAtItsEndpoint) {
  const auto first = add(1, "a", 3, 100), second = add(2, "a", 4, 200), other = add(3, "b", 5, 400);
  EXPECT_EQ(in_flight.batches().at(second).inputs_in_flight, 7U);
  EXPECT_EQ(in_flight.batches().at(other).inputs_in_flight, 5U);
  in_flight.take(second);
  add(1, "a", 1, 1);
  EXPECT_EQ(in_flight.batches().at(first).inputs_in_flight, 3U) << "as it was when it started";
  EXPECT_EQ(in_flight.batches().at(first).company, 2U) << "at most";
  EXPECT_EQ(in_flight.batches().at(other).company, 1U);
}

TEST_F(InFlightTest, ACanaryIsOneInput) {
  in_flight.add(canary_batch({.id = 1, .endpoint = "a", .dimensions = 3}, 6), gate("a"), kNow);
  EXPECT_EQ(in_flight.used_by("a").inputs, 1U);
  EXPECT_EQ(in_flight.jobs(), 0U);
}

TEST_F(InFlightTest, AnAnswerIsASignOfLifeForWhatWasSentLater) {
  struct Case {
    VectorizerId answered;
    std::vector<VectorizerId> silent;  ///< a minute after the start
  };
  for (const auto& [answered, silent] : {
           Case{1, {4}},
           Case{2, {1, 4}},
           Case{3, {1, 2, 4}},
           Case{4, {1, 2, 3}},
       }) {
    InFlight requests;
    for (const VectorizerId id : {1, 2, 3}) requests.add(batch(id, "a", 1, 1), gate("a"), kNow);
    requests.add(batch(4, "b", 1, 1), gate("b"), kNow);
    EXPECT_TRUE(requests.silent(kNow + seconds(59)).empty());
    const Batch taken = requests.take(static_cast<std::uint64_t>(answered));  // ids begin with 1, too
    requests.hear(taken, kNow + seconds(30));
    std::vector<VectorizerId> found;
    for (const std::uint64_t id : requests.silent(kNow + seconds(60)))
      found.push_back(requests.batches().at(id).vectorizer.id);
    EXPECT_EQ(found, silent) << "after an answer to " << answered;
  }
}

TEST_F(InFlightTest, WhatIsGivenUpStaysUntilItIsTaken) {
  const auto id = add(1, "a", 2, 10);
  EXPECT_FALSE(in_flight.batches().at(id).given_up);
  EXPECT_TRUE(in_flight.give_up(id).given_up);
  EXPECT_EQ(in_flight.jobs(), 2U);
  EXPECT_TRUE(in_flight.take(id).given_up);
}

TEST_F(InFlightTest, RenewsTheJobsOfOneVectorizer) {
  const auto first = add(1, "a", 2, 10), second = add(2, "a", 2, 10);
  in_flight.renew(1, [](std::vector<LeasedJob>& jobs) {
    for (LeasedJob& leased : jobs) leased.lapses_at = kNow;
  });
  EXPECT_EQ(in_flight.batches().at(first).jobs.front().lapses_at, kNow);
  EXPECT_EQ(in_flight.batches().at(second).jobs.front().lapses_at, Instant{});
}

}  // namespace
}  // namespace embedd
