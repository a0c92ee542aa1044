// Which requests are sent, and which jobs wait or go back: at a new endpoint that takes two requests of four
// inputs.
#include "core/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_parts.h"

namespace embedd {
namespace {

using test::WorkerParts;
using testing::ElementsAre;
using testing::IsEmpty;

class Dispatching : public WorkerParts {
 protected:
  using WorkerParts::WorkerParts;

  /// Jobs whose texts are their keys wait in the lane's buffer.
  void wait_for(Lane& lane, const std::vector<Key>& keys) {
    for (const Key& key : keys) lane.buffer.push_back(job(key, key));
  }
  /// Sends what can be sent; returns the texts of each request.
  std::vector<std::string> dispatch() {
    dispatcher.dispatch(now);
    return asked();
  }
  void configure(const EndpointLimits& limits) { gate().refresh(KeyState::present, 1, limits); }
  Allowance& account() { return gate().allowance("model"); }
  /// The queue answers the reservation that was sent last.
  void reserved(Duration wait) {
    ASSERT_FALSE(queue.reservations.empty());
    account().reserved({.reservation = queue.reservations.back(), .wait = wait}, now);
  }

  Budgets budgets{state};
  Dispatcher dispatcher{state, keeper, budgets};
};

TEST_F(Dispatching, WhatWaitsIsAskedFor) {
  wait_for(notes, {"a", "b"});
  EXPECT_THAT(dispatch(), ElementsAre("a b"));
  EXPECT_THAT(buffered(notes), IsEmpty());
  EXPECT_EQ(state.in_flight.requests_of(notes.vectorizer.id), 1U);
  EXPECT_EQ(state.leases(), 2U);
  EXPECT_EQ(state.summary.requests, 1U);
}

TEST_F(Dispatching, ARequestCountsAsAPurchaseOfEachOfItsRows) {
  for (unsigned times = 0; times < SpendingBrake::kAtOnce; ++times) {
    EXPECT_LE(state.brake.wait(job("a", "a").job, now).length, Duration{});
    wait_for(notes, {"a"});
    dispatch();
    state.in_flight.take(state.in_flight.batches().begin()->first);
    gate().finished();
  }
  EXPECT_GT(state.brake.wait(job("a", "a").job, now).length, Duration{});
}

TEST_F(Dispatching, AsMuchIsSentAsTheEndpointsPaceAllows) {
  wait_for(notes, {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"});
  EXPECT_THAT(dispatch(), ElementsAre("a b c d", "e f g h"));
  EXPECT_THAT(buffered(notes), ElementsAre("i", "j"));
}

TEST_F(Dispatching, ARequestHasNoMoreInputsThanTheEndpointWasFoundToTake) {
  notes.limits.begin_with({.inputs = 3});
  wait_for(notes, {"a", "b", "c", "d", "e"});
  EXPECT_THAT(dispatch(), ElementsAre("a b c", "d e"));
}

TEST_F(Dispatching, ARequestHasNoMoreTokensThanTheEndpointTakes) {
  configure({.max_in_flight = 4, .max_request_tokens = 6});
  wait_for(notes, {"aaa", "bbb", "ccc"});
  EXPECT_THAT(dispatch(), ElementsAre("aaa bbb", "ccc"));
}

// Invariant: a job is sent only while its lease stands. After dispatch(), no lane has a request for which
// there is room.
TEST_F(Dispatching, AJobPastItsLeaseMayBeAnothersAndIsNotSent) {
  wait_for(notes, {"a", "b", "c"});
  notes.buffer.fresh()[1].lapses_at = now;
  EXPECT_THAT(dispatch(), ElementsAre("a c"));
  EXPECT_THAT(buffered(notes), IsEmpty());
  EXPECT_THAT(settled(), IsEmpty()) << "there is no lease to give back";
}

TEST_F(Dispatching, NothingForWhichThereIsRoomIsLeft) {
  wait_for(notes, {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"});
  wait_for(add_lane(2, "mails", "other"), {"k", "l"});
  EXPECT_EQ(dispatch().size(), 3U);
  EXPECT_THAT(dispatch(), IsEmpty());
}

struct Reason {
  const char* name;
  void (*happens)(Lane&, EndpointGate&, Random&, Instant now);
  bool given_back;
};
class ThoseThatCannotBeSent : public Dispatching, public testing::WithParamInterface<Reason> {};

TEST_P(ThoseThatCannotBeSent, WaitForAMomentOnlyAndElseGoBack) {
  wait_for(notes, {"a", "b"});
  GetParam().happens(notes, gate(), state.random, now);
  EXPECT_THAT(dispatch(), IsEmpty());
  if (GetParam().given_back) {
    EXPECT_THAT(buffered(notes), IsEmpty());
    EXPECT_THAT(settled(), ElementsAre("reschedule a b"));
  } else {
    EXPECT_THAT(buffered(notes), ElementsAre("a", "b"));
    EXPECT_THAT(settled(), IsEmpty());
  }
}

void fail_for(EndpointGate& gate, Duration retry_after, Instant now) {
  gate.started(now);
  gate.failed({ErrorKind::rate_limited, "429", retry_after}, now, {}, now);
}

INSTANTIATE_TEST_SUITE_P(
    Jobs, ThoseThatCannotBeSent,
    testing::Values(
        Reason{"the_vectorizer_rests",
               [](Lane& lane, auto&, Random& random, Instant now) { lane.rest.begin("", now, random); },
               true},
        Reason{"the_vectorizer_is_paused",
               [](Lane& lane, auto&, Random&, Instant) { lane.vectorizer.stopped = true; }, true},
        Reason{"the_vectorizer_is_gone", [](Lane& lane, auto&, Random&, Instant) { lane.listed = false; },
               true},
        Reason{"there_is_no_key",
               [](Lane&, EndpointGate& gate, Random&, Instant) { gate.refresh(KeyState::missing, 1, {}); },
               true},
        Reason{"the_endpoint_rests_for_long",
               [](Lane&, EndpointGate& gate, Random&, Instant now) { fail_for(gate, seconds(6), now); },
               true},
        Reason{"the_endpoint_rests_for_a_moment",
               [](Lane&, EndpointGate& gate, Random&, Instant now) { fail_for(gate, seconds(5), now); },
               false},
        Reason{"the_endpoint_is_busy",
               [](Lane&, EndpointGate& gate, Random&, Instant now) {
                 while (gate.open(now)) gate.started(now);
               },
               false}),
    [](const auto& test) { return std::string(test.param.name); });

TEST_F(Dispatching, VectorizersOfAnEndpointTakeTurns) {
  Lane& mails = add_lane(2, "mails");
  wait_for(notes, {"a", "b", "c", "d", "e", "f", "g", "h"});
  wait_for(mails, {"i", "j", "k", "l", "m", "n", "o", "p"});
  EXPECT_THAT(dispatch(), ElementsAre("a b c d", "i j k l"));
  gate().finished();
  EXPECT_THAT(dispatch(), ElementsAre("e f g h")) << "mails was served last";
  gate().finished();
  EXPECT_THAT(dispatch(), ElementsAre("m n o p"));
}

// ── A vectorizer in doubt

TEST_F(Dispatching, OnlyTheCanaryIsSentForAVectorizerInDoubt) {
  notes.trust.doubt();
  wait_for(notes, {"a", "b"});
  EXPECT_THAT(dispatch(), ElementsAre("canary"));
  EXPECT_THAT(dispatch(), IsEmpty()) << "one is enough";
  EXPECT_THAT(buffered(notes), ElementsAre("a", "b"));
  EXPECT_TRUE(state.in_flight.batches().begin()->second.canary);
}

TEST_F(Dispatching, RowsGoOutAgainOnceTheDoubtIsSettled) {
  notes.trust.doubt();
  wait_for(notes, {"a", "b"});
  dispatch();
  notes.trust.accepted();
  EXPECT_THAT(dispatch(), ElementsAre("a b"));
}

// ── More jobs are on their way

TEST_F(Dispatching, ARequestFillsUpWhileAClaimAndAnotherRequestAreOnTheirWay) {
  notes.claims.sent(now);
  wait_for(notes, {"a"});
  EXPECT_THAT(dispatch(), ElementsAre("a")) << "the endpoint would have nothing to do";
  wait_for(notes, {"b", "c"});
  EXPECT_THAT(dispatch(), IsEmpty());
  wait_for(notes, {"d", "e"});
  EXPECT_THAT(dispatch(), ElementsAre("b c d e")) << "it is full";
}

TEST_F(Dispatching, ARequestDoesNotWaitForMoreOnceTheClaimIsAnswered) {
  notes.claims.sent(now);
  wait_for(notes, {"a"});
  dispatch();
  wait_for(notes, {"b"});
  notes.claims.found_none(false, now);
  EXPECT_THAT(dispatch(), ElementsAre("b"));
}

// ── The account: 6000 tokens a minute, 100 a second

class Account : public Dispatching {
 protected:
  Account() { configure({.max_in_flight = 4, .tokens_per_minute = 6000}); }
};

TEST_F(Account, NothingIsSentBeforeItIsReservedAndItsTimeHasCome) {
  wait_for(notes, {"aaa", "bb"});
  EXPECT_THAT(dispatch(), IsEmpty());
  ASSERT_EQ(queue.reservations.size(), 1U);
  EXPECT_EQ(queue.reservations.front().tokens, 5);
  EXPECT_THAT(dispatch(), IsEmpty());
  EXPECT_EQ(queue.reservations.size(), 1U) << "the first is not answered yet";
  reserved(seconds(2));
  now += milliseconds(1999);
  EXPECT_THAT(dispatch(), IsEmpty());
  now += milliseconds(1);
  EXPECT_THAT(dispatch(), ElementsAre("aaa bb"));
  EXPECT_TRUE(state.in_flight.batches().begin()->second.counted) << "tokens are scarce";
  EXPECT_EQ(queue.reservations.size(), 1U);
}

TEST_F(Account, ARequestHasNoMoreTokensThanWereReserved) {
  wait_for(notes, {"aaa"});
  dispatch();
  reserved({});
  wait_for(notes, {"bbb", "ccc"});
  EXPECT_THAT(dispatch(), ElementsAre("aaa"));
  ASSERT_EQ(queue.reservations.size(), 2U) << "the others need a reservation of their own";
  EXPECT_EQ(queue.reservations.back().tokens, 6);
}

TEST_F(Account, ARequestHasNoMoreTokensThanThreeSecondsAllow) {
  wait_for(notes, {std::string(200, 'a'), std::string(200, 'b')});
  dispatch();
  EXPECT_EQ(queue.reservations.front().tokens, 200);
}

TEST_F(Account, NothingIsReservedWhileTheDatabaseIsAway) {
  queue.connected = false;
  wait_for(notes, {"a"});
  EXPECT_THAT(dispatch(), IsEmpty());
  EXPECT_THAT(queue.reservations, IsEmpty());
  queue.connected = true;
  dispatch();
  EXPECT_EQ(queue.reservations.size(), 1U);
}

// ── The worker's own bounds (G10)

class LittleMemory : public Dispatching {
 protected:
  LittleMemory() : Dispatching({.held_bytes = 256 * kKiB}) {}
};

TEST_F(LittleMemory, ARequestWhoseAnswerDoesNotFitWaitsForAnother) {
  Lane& mails = add_lane(2, "mails", "other");
  const std::uint64_t large = in_flight(mails, {job("z", std::string(120 * kKiB, 'z'))});
  wait_for(notes, {"a"});
  EXPECT_THAT(dispatch(), IsEmpty());
  state.in_flight.take(large);
  EXPECT_THAT(dispatch(), ElementsAre("a"));
}

TEST_F(LittleMemory, OneRequestIsSentHoweverLargeItsAnswer) {
  notes.vectorizer.dimensions = 100'000;
  wait_for(notes, {"a", "b"});
  EXPECT_THAT(dispatch(), ElementsAre("a"));
}

class FewRequests : public Dispatching {
 protected:
  FewRequests() : Dispatching({.max_in_flight = 2}) {}
};

TEST_F(FewRequests, EndpointsShareThemEvenly) {
  Lane& mails = add_lane(2, "mails", "other");
  wait_for(notes, {"a", "b", "c", "d", "e", "f", "g", "h"});
  wait_for(mails, {"i", "j", "k", "l", "m", "n", "o", "p"});
  EXPECT_THAT(dispatch(), ElementsAre("a b c d", "i j k l"));
}

}  // namespace
}  // namespace embedd
