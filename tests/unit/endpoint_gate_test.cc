#include "core/endpoint_gate.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace embedd {
namespace {

class Gate : public testing::Test, protected PartialObserver {
 protected:
  Gate() { gate.refresh(KeyState::present, 1, {.max_in_flight = 16}); }

  void endpoint_changed(const std::string&, EndpointState state, const std::string&, Duration) override {
    states.push_back(state);
  }
  /// A round of requests of four inputs that the endpoint answers at once.
  void succeed() {
    const auto requests = gate.concurrency();
    for (std::uint32_t i = 0; i < requests; ++i) gate.started(now);
    for (std::uint32_t i = 0; i < requests; ++i)
      gate.answered(
          {.started_at = now, .took = milliseconds(50), .inputs = 4, .most = 4, .company = requests},
          4 * requests, now + milliseconds(50));
    now += milliseconds(50);
  }
  void fail(ErrorKind kind, std::optional<Duration> retry_after = std::nullopt) {
    const EndpointGate::Load load{.requests = gate.concurrency(), .inputs = 4 * gate.concurrency()};
    gate.started(now);
    gate.failed({kind, "no", retry_after}, now, load, now);
  }
  void fall_silent(Instant started_at) {
    const EndpointGate::Load load{.requests = gate.concurrency(), .inputs = 4 * gate.concurrency()};
    gate.started(started_at);
    gate.fell_silent({ErrorKind::unavailable, "silence"}, started_at, load, now);
  }

  std::vector<EndpointState> states;
  Random random{1};
  EndpointGate gate{"openai", *this, random};
  Instant now{seconds(1000)};
};

TEST_F(Gate, OpensWithAKeyOnly) {
  EXPECT_TRUE(gate.open(now));
  gate.refresh(KeyState::missing, 1, {});
  EXPECT_FALSE(gate.open(now));
  EXPECT_EQ(gate.state(), EndpointState::no_api_key);
  gate.refresh(KeyState::present, 2, {});
  EXPECT_TRUE(gate.open(now));
}

TEST_F(Gate, SaysOnceThatTheKeyIsMissing) {
  states.clear();
  for (int poll = 0; poll < 100; ++poll) gate.refresh(KeyState::missing, 1, {});
  EXPECT_EQ(states, std::vector{EndpointState::no_api_key});
}

TEST_F(Gate, GrowsWhileTheEndpointAnswersWellButNotBeyondItsLimit) {
  const auto before = gate.concurrency();
  for (int i = 0; i < 20; ++i) succeed();
  EXPECT_GT(gate.concurrency(), before);
  EXPECT_EQ(gate.concurrency(), 16U);
}

TEST_F(Gate, HalvesWhenTooMuchAndRestsAsLongAsAsked) {
  for (int i = 0; i < 20; ++i) succeed();
  fail(ErrorKind::rate_limited, seconds(7));
  EXPECT_EQ(gate.state(), EndpointState::slowed);
  EXPECT_FALSE(gate.open(now + seconds(6)));
  EXPECT_TRUE(gate.open(now + seconds(7)));
  now += seconds(7);
  gate.started(now);
  gate.succeeded(now);
  EXPECT_EQ(gate.concurrency(), 8U);
  EXPECT_EQ(gate.state(), EndpointState::slowed);
  for (int i = 0; i < 20; ++i) succeed();
  EXPECT_EQ(gate.concurrency(), 16U);
  EXPECT_EQ(gate.state(), EndpointState::ready);
}

TEST_F(Gate, GivesLessAndWaitsLongerAfterSilence) {
  for (int i = 0; i < 20; ++i) succeed();
  const Instant started = now;
  const Duration before = gate.patience(4);
  now += before;
  for (int i = 0; i < 3; ++i) fall_silent(started);
  EXPECT_EQ(gate.patience(4), 2 * before) << "one silence, however many requests were in it";
  EXPECT_EQ(gate.concurrency(), 1U) << "it is probed";
  now = gate.opens_at();
  fall_silent(now);
  EXPECT_EQ(gate.patience(4), 4 * before);
  now = gate.opens_at();
  for (int i = 0; i < 5; ++i) succeed();
  EXPECT_GE(gate.concurrency(), 8U) << "half of what it was is soon there again …";
  EXPECT_LT(gate.concurrency(), 16U) << "… and no more";
}

TEST_F(Gate, ProbesOneAtATimeAfterAFault) {
  for (int i = 0; i < 20; ++i) succeed();
  fail(ErrorKind::unavailable);
  now = gate.opens_at();
  EXPECT_TRUE(gate.open(now));
  gate.started(now);
  EXPECT_FALSE(gate.open(now)) << "one probe is enough";
  gate.succeeded(now);
  EXPECT_TRUE(gate.open(now));
  EXPECT_FALSE(gate.probing());
  EXPECT_EQ(gate.state(), EndpointState::ready);
}

TEST_F(Gate, CountsFaultsOfOneRoundOnce) {
  for (int i = 0; i < 8; ++i) gate.started(now);
  const Instant started = now;
  now += seconds(1);
  for (int i = 0; i < 8; ++i) gate.failed({ErrorKind::unavailable, "503"}, started, {}, now);
  EXPECT_LE(gate.opens_at() - now, seconds(1)) << "eight answers, one fault";
}

TEST_F(Gate, TheLongestWishOfARoundWins) {
  gate.started(now);
  gate.started(now);
  gate.failed({ErrorKind::rate_limited, "429", seconds(2)}, now, {}, now);
  gate.failed({ErrorKind::rate_limited, "429", seconds(9)}, now, {}, now);
  EXPECT_EQ(gate.opens_at(), now + seconds(9));
}

TEST_F(Gate, ANewKeyEndsAPause) {
  fail(ErrorKind::quota_exhausted);
  EXPECT_FALSE(gate.open(now));
  gate.refresh(KeyState::present, 2, {.max_in_flight = 16});
  EXPECT_TRUE(gate.open(now));
  EXPECT_EQ(gate.state(), EndpointState::ready);
}

TEST_F(Gate, AnAnswerFromBeforeTheKeyVanishedDoesNotOpenIt) {
  gate.started(now);
  gate.refresh(KeyState::missing, 2, {});
  gate.succeeded(now);
  EXPECT_EQ(gate.state(), EndpointState::no_api_key);
  EXPECT_FALSE(gate.open(now));
}

}  // namespace
}  // namespace embedd
