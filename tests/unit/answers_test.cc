// What becomes of a request's jobs once its reply is there, or does not come.
#include "core/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_parts.h"

namespace embedd {
namespace {

using test::WorkerParts;
using testing::ElementsAre;
using testing::IsEmpty;

class Answering : public WorkerParts {
 protected:
  std::uint64_t ask(const std::vector<Key>& keys) { return in_flight(notes, jobs(keys)); }
  std::uint64_t ask_canary() {
    notes.trust.canary_sent();
    return state.in_flight.add(canary_batch(notes.vectorizer, 6), gate(), now).id;
  }
  void settle(std::uint64_t request, Result<EmbedAnswer> answer, bool draining = false) {
    answers.settle({.id = request, .answer = std::move(answer), .took = milliseconds(50)}, draining, now);
  }
  /// The request's inputs get these vectors of one number twice; without any, all are different.
  void answer(std::uint64_t request, std::vector<float> vectors = {}) {
    const std::size_t inputs = state.in_flight.batches().at(request).input_count();
    for (std::size_t i = vectors.size(); i < inputs; ++i) vectors.push_back(static_cast<float>(i + 1));
    EmbedAnswer answer{.model = "model-v2", .tokens = 7};
    answer.vectors.dimensions = 2;
    for (const float value : vectors) answer.vectors.values.insert(answer.vectors.values.end(), 2, value);
    settle(request, std::move(answer));
  }
  void refuse(std::uint64_t request, const Error& error, bool draining = false) {
    settle(request, std::unexpected(error), draining);
  }
  void refuse(std::uint64_t request, ErrorKind kind) { refuse(request, Error{kind, "no"}); }
  /// The vectorizer's requests have been accepted before.
  void have_been_accepted() {
    answer(ask({"z"}));
    settled();
    told();
  }
  /// Most company of each job that waits.
  std::vector<std::uint32_t> companies() {
    std::vector<std::uint32_t> out;
    for (const LeasedJob& leased : notes.buffer.suspects()) out.push_back(leased.max_company);
    return out;
  }
  const Settlement& last_settlement() { return *queue.settlements.back(); }

  TextFitter fitter{state, keeper};
  Budgets budgets{state};
  Answers answers{state, keeper, fitter, budgets};
};

// ── Vectors

TEST_F(Answering, VectorsAreStoredWithTheirTexts) {
  answer(ask({"a", "b"}));
  const Settlement& settlement = last_settlement();
  EXPECT_THAT(settlement.vectors.values, ElementsAre(1, 1, 2, 2));
  EXPECT_EQ(settlement.jobs[1].text_hash, job("b").job.text_hash);
  EXPECT_EQ(settlement.model_id, "model");
  EXPECT_EQ(settlement.model_version, "model-v2");
  EXPECT_EQ(settlement.requests, 1U);
  EXPECT_EQ(settlement.tokens, 7U);
  EXPECT_EQ(state.summary.tokens, 7U);
  EXPECT_THAT(settled(), ElementsAre("complete a=0 b=1"));
}

TEST_F(Answering, EqualTextsHaveOneVector) {
  answer(in_flight(notes, {job("a", "same"), job("b", "other"), job("c", "same")}));
  EXPECT_THAT(settled(), ElementsAre("complete a=0 b=1 c=0"));
}

TEST_F(Answering, ATextThatAUserHasChangedIsTimed) {
  LeasedJob changed = job("a");
  changed.changed_at = now - seconds(3);
  answer(in_flight(notes, {changed}));
  EXPECT_EQ(last_settlement().jobs.front().changed_at, now - seconds(3));
}

TEST_F(Answering, AnAnswerSpeaksForTheVectorizerAndItsEndpoint) {
  notes.trust.failed_alone();
  answer(ask({"a"}));
  EXPECT_TRUE(notes.trust.accepted_before());
  EXPECT_EQ(notes.trust.rows_failed_alone(), 0U);
  EXPECT_TRUE(gate().healthy(now));
}

TEST_F(Answering, VectorsThatWereBoughtAreStoredAlsoWhereTheVectorizerIsGone) {
  const std::uint64_t request = ask({"a"});
  state.lanes.begin_list();
  state.lanes.end_list([](const Lane&) { return false; });
  answer(request);
  EXPECT_THAT(settled(), ElementsAre("complete a=0"));
}

// ── Vectors that are doubted

TEST_F(Answering, DifferentTextsWithOneVectorAreAskedForAlone) {
  answer(ask({"a", "b", "c"}), {5, 6, 5});
  EXPECT_THAT(settled(), IsEmpty());
  EXPECT_THAT(told(), ElementsAre("doubted 2 equal vectors", "rescheduled 3 for invalid_answer"));
  EXPECT_THAT(companies(), ElementsAre(1, 1, 1)) << "of three jobs, each is a part of its own";
}

TEST_F(Answering, WhatWasNotBelievedIsBookedWithTheNextAnswer) {
  answer(ask({"a", "b"}), {5, 5});
  EXPECT_EQ(state.summary.tokens, 7U);
  notes.buffer.take_all();
  answer(ask({"c"}));
  EXPECT_EQ(last_settlement().requests, 2U);
  EXPECT_EQ(last_settlement().tokens, 14U);
  EXPECT_EQ(state.summary.tokens, 14U);
}

// ── Failures

struct Case {
  const char* name;
  std::vector<Key> asked;
  ErrorKind kind;
  std::vector<Key> leased;           ///< in the buffer, afterwards
  std::vector<std::string> settled;  ///< afterwards
  std::vector<std::string> told;
  enum class Before { nothing, accepted, eight_failed_alone } before = Before::nothing;
};

class Failures : public Answering, public testing::WithParamInterface<Case> {};

TEST_P(Failures, HaveTheirVerdictsCarriedOut) {
  if (GetParam().before == Case::Before::accepted) have_been_accepted();
  if (GetParam().before == Case::Before::eight_failed_alone)
    for (int i = 0; i < 8; ++i) notes.trust.failed_alone();
  refuse(ask(GetParam().asked), GetParam().kind);
  EXPECT_EQ(buffered(notes), GetParam().leased);
  EXPECT_EQ(settled(), GetParam().settled);
  EXPECT_EQ(told(), GetParam().told);
}

INSTANTIATE_TEST_SUITE_P(
    Request, Failures,
    testing::Values(
        Case{"leased",
             {"a", "b"},
             ErrorKind::rate_limited,
             {"a", "b"},
             {},
             {"rescheduled 2 for rate_limited"}},
        Case{"split", {"a", "b"}, ErrorKind::unavailable, {"a", "b"}, {}, {"rescheduled 2 for unavailable"}},
        Case{"set_aside",
             {"a"},
             ErrorKind::unavailable,
             {},
             {"reschedule a after 60 s"},
             {"rescheduled 1 for unavailable"},
             Case::Before::accepted},
        Case{"too_short_to_shrink",
             {"a"},
             ErrorKind::too_large,
             {},
             {"discard a for too_large: no"},
             {"discarded for too_large: no"}},
        Case{"charged",
             {"a"},
             ErrorKind::rejected,
             {},
             {"charge a for rejected: no"},
             {"charged 1 for rejected"}},
        Case{"discarded",
             {"a"},
             ErrorKind::rejected,
             {},
             {"discard a for rejected: no"},
             {"discarded for rejected: no"},
             Case::Before::accepted},
        Case{"doubted",
             {"a"},
             ErrorKind::rejected,
             {"a"},
             {},
             {"rescheduled 1 for rejected"},
             Case::Before::eight_failed_alone},
        Case{"rested",
             {"a", "b"},
             ErrorKind::misconfigured,
             {},
             {"reschedule a b"},
             {"notes rests: no", "rescheduled 2 for misconfigured"}}),
    [](const auto& test) { return std::string(test.param.name); });

// Invariant: a reply takes its request out of flight, and each job is then in the buffer or in one
// settlement.
TEST_F(Answering, NoJobIsLostWhateverTheReplySays) {
  for (const ErrorKind kind :
       {ErrorKind::unavailable, ErrorKind::rate_limited, ErrorKind::quota_exhausted, ErrorKind::too_large,
        ErrorKind::rejected, ErrorKind::unauthenticated, ErrorKind::misconfigured, ErrorKind::invalid_answer,
        ErrorKind::conflict, ErrorKind::in_doubt, ErrorKind::canceled, ErrorKind::invalid_argument})
    for (const std::vector<Key>& keys : {std::vector<Key>{"a"}, {"a", "b"}, {"a", "b", "c"}}) {
      notes.rest.cut_short();
      const std::size_t before = state.leases();
      refuse(ask(keys), kind);
      EXPECT_EQ(state.leases(), before + keys.size()) << name_of(kind);
      EXPECT_EQ(state.in_flight.size(), 0U);
    }
  const std::size_t before = state.leases();
  answer(ask({"a", "b"}));
  EXPECT_EQ(state.leases(), before + 2);
}

TEST_F(Answering, ARequestIsOffTheEndpointWhateverTheReplySays) {
  const std::uint32_t room = gate().concurrency();
  for (const ErrorKind kind : {ErrorKind::rejected, ErrorKind::misconfigured, ErrorKind::canceled}) {
    for (std::uint32_t i = 0; i < 2 * room; ++i) {
      notes.rest.cut_short();
      refuse(ask({"a"}), kind);
    }
    EXPECT_TRUE(gate().open(now)) << name_of(kind);
  }
}

TEST_F(Answering, AnEndpointThatJudgesARequestIsWell) {
  refuse(ask({"a", "b"}), ErrorKind::canceled);
  EXPECT_FALSE(gate().healthy(now)) << "that was us";
  refuse(ask({"a", "b"}), ErrorKind::rejected);
  EXPECT_TRUE(gate().healthy(now));
  refuse(ask({"a", "b"}), ErrorKind::unavailable);
  EXPECT_FALSE(gate().open(now));
}

TEST_F(Answering, AnAttemptIsTriedAgainLaterEachTime) {
  Duration longest{};
  for (const int attempt : {0, 1, 2}) {
    LeasedJob leased = job("a");
    leased.job.attempt = attempt;
    refuse(in_flight(notes, {leased}), ErrorKind::rejected);
    EXPECT_GT(last_settlement().delay, longest);
    longest = last_settlement().delay;
  }
}

TEST_F(Answering, TheLastAttemptMakesADeadLetter) {
  LeasedJob leased = job("a");
  leased.job.attempt = state.options.max_attempts - 1;
  refuse(in_flight(notes, {leased}), ErrorKind::rejected);
  EXPECT_THAT(settled(), ElementsAre("discard a for rejected: no"));
}

TEST_F(Answering, AStoppingWorkerGivesBackWhatFailedAndChargesNobody) {
  for (const ErrorKind kind : {ErrorKind::canceled, ErrorKind::rejected, ErrorKind::misconfigured}) {
    refuse(ask({"a"}), Error{kind, "no"}, true);
    EXPECT_THAT(settled(), ElementsAre("reschedule a")) << name_of(kind);
  }
  EXPECT_THAT(told(), IsEmpty());
  EXPECT_FALSE(notes.resting(now));
}

TEST_F(Answering, WhatFailsWhileTheVectorizerRestsGoesBackAndChargesNobody) {
  notes.rest.begin("refused", now, state.random);
  refuse(ask({"a"}), ErrorKind::rejected);
  EXPECT_THAT(settled(), ElementsAre("reschedule a"));
}

TEST_F(Answering, WhatFailsForAVectorizerThatIsGoneGoesBack) {
  const std::uint64_t request = ask({"a", "b"});
  state.lanes.begin_list();
  state.lanes.end_list([](const Lane&) { return false; });
  refuse(request, ErrorKind::rejected);
  EXPECT_THAT(settled(), ElementsAre("reschedule a b"));
}

TEST_F(Answering, AFailureThatMayHaveCostSomethingIsCounted) {
  refuse(ask({"a"}), Error{.kind = ErrorKind::canceled, .message = "no", .billed = true}, true);
  EXPECT_THAT(settled(), ElementsAre("reschedule a (1 in vain)"));
}

// ── Parts

TEST_F(Answering, ARefusedRequestIsAskedForInHalves) {
  refuse(ask({"a", "b", "c", "d", "e"}), ErrorKind::rejected);
  EXPECT_THAT(buffered(notes), ElementsAre("a", "b", "c", "d", "e"));
  EXPECT_THAT(companies(), ElementsAre(2, 2, 3, 3, 3));
}

TEST_F(Answering, WhatMayHaveCostSomethingIsAskedForInSixteenParts) {
  std::vector<Key> keys;
  for (char key = 'a'; key < 'a' + 17; ++key) keys.emplace_back(1, key);
  refuse(ask(keys), Error{.kind = ErrorKind::invalid_answer, .message = "no", .billed = true});
  std::vector<std::uint32_t> expected(17, 1);
  expected[15] = expected[16] = 2;
  EXPECT_EQ(companies(), expected);
}

TEST_F(Answering, IfNobodyIsAtFaultItWasTheNumberOfInputs) {
  refuse(ask({"a", "b", "c", "d"}), ErrorKind::too_large);
  std::vector<LeasedJob> waiting = notes.buffer.take_all();
  answer(in_flight(notes, {waiting[0], waiting[1]}));
  answer(in_flight(notes, {waiting[2], waiting[3]}));
  EXPECT_LT(notes.limits.most_inputs(), 4U);
}

// ── Refusals that name what is taken

Error too_large(NamedLimits named) {
  return {.kind = ErrorKind::too_large, .message = "too large", .limits = named};
}

TEST_F(Answering, ANamedNumberOfInputsIsHeededAndNobodyIsSuspected) {
  refuse(ask({"a", "b", "c"}), too_large({.inputs = 2}));
  EXPECT_EQ(notes.limits.most_inputs(), 2U);
  EXPECT_THAT(buffered(notes), ElementsAre("a", "b", "c"));
  EXPECT_THAT(companies(), IsEmpty());
}

TEST_F(Answering, ANamedLengthIsHeededAndNobodyIsSuspected) {
  tokens.as_the_model = true;
  refuse(in_flight(notes, {job("a", std::string(300, 'a')), job("b", std::string(40, 'b'))}),
         too_large({.text_tokens = 100, .found_tokens = 300}));
  EXPECT_EQ(notes.limits.most_tokens(), 100U);
  ASSERT_THAT(buffered(notes), ElementsAre("a", "b"));
  EXPECT_EQ(notes.buffer.fresh()[0].job.text.size(), 100U);
  EXPECT_THAT(companies(), IsEmpty());
}

TEST_F(Answering, NothingIsSaidToWaitWhereAllTextsOfTheRequestBecomeDeadLetters) {
  tokens.as_the_model = true;
  notes.vectorizer.long_texts = LongTexts::discard;
  refuse(in_flight(notes, {job("a", std::string(300, 'a'))}),
         too_large({.text_tokens = 100, .found_tokens = 300}));
  EXPECT_THAT(buffered(notes), IsEmpty());
  EXPECT_EQ(told().size(), 1U) << "the dead letter";
}

TEST_F(Answering, ANumberThatDoesNotHelpIsNotHeeded) {
  refuse(ask({"a", "b", "c"}), too_large({.inputs = 9}));
  EXPECT_THAT(companies(), ElementsAre(1, 2, 2));
}

// ── The canary

class Canary : public Answering {
 protected:
  Canary() { notes.trust.doubt(); }
};

TEST_F(Canary, ThatIsAcceptedSaysThatTheRowsAreAtFault) {
  answer(ask_canary());
  EXPECT_FALSE(notes.trust.doubted());
  EXPECT_TRUE(notes.trust.accepted_before());
  EXPECT_FALSE(notes.resting(now));
  EXPECT_EQ(state.summary.tokens, 7U);
  EXPECT_THAT(settled(), IsEmpty()) << "it is nobody's vector";
}

TEST_F(Canary, ThatIsRefusedSaysThatTheVectorizerIsAtFault) {
  keeper.buffer(notes, jobs({"a"}), now);
  refuse(ask_canary(), ErrorKind::rejected);
  EXPECT_TRUE(notes.resting(now));
  EXPECT_THAT(settled(), ElementsAre("reschedule a"));
}

TEST_F(Canary, ThatFailsForTheEndpointsProblemsIsAskedForAgain) {
  for (const ErrorKind kind : {ErrorKind::unavailable, ErrorKind::rate_limited, ErrorKind::canceled}) {
    refuse(ask_canary(), kind);
    EXPECT_TRUE(notes.trust.canary_wanted()) << name_of(kind);
    EXPECT_FALSE(notes.resting(now));
  }
}

TEST_F(Canary, DecidesNothingOnceARequestWasAccepted) {
  const std::uint64_t canary = ask_canary();
  answer(ask({"a"}));
  refuse(canary, ErrorKind::rejected);
  EXPECT_FALSE(notes.resting(now));
}

// ── Silence

TEST_F(Answering, ARequestIsGivenUpOnceItsEndpointIsSilentForTooLong) {
  const std::uint64_t request = ask({"a", "b"});
  now = state.in_flight.batches().at(request).silent_at() - milliseconds(1);
  answers.give_up(false, now);
  EXPECT_EQ(state.in_flight.size(), 1U);
  now += milliseconds(1);
  answers.give_up(false, now);
  EXPECT_EQ(state.in_flight.size(), 0U);
  EXPECT_THAT(embedder.given_up, ElementsAre(request));
  EXPECT_THAT(told(), ElementsAre("abandoned 2 after 60 s", "rescheduled 2 for unavailable"));
  EXPECT_FALSE(gate().open(now)) << "it is left alone for a while";
}

TEST_F(Answering, TheServerMayBillWhatWasGivenUp) {
  const std::uint64_t request = ask({"a", "b"});
  now = state.in_flight.batches().at(request).silent_at();
  answers.give_up(false, now);
  for (const LeasedJob& leased : notes.buffer.suspects()) EXPECT_EQ(leased.wasted, 1U);
  EXPECT_EQ(notes.buffer.suspects().size(), 2U);
}

TEST_F(Answering, AnAnswerIsASignOfLifeForRequestsThatWereSentLater) {
  const std::uint64_t first = ask({"a"}), second = ask({"b"});
  now += seconds(59);
  answer(first);
  now += seconds(59);
  answers.give_up(false, now);
  EXPECT_THAT(embedder.given_up, IsEmpty());
  now += seconds(1);
  answers.give_up(false, now);
  EXPECT_THAT(embedder.given_up, ElementsAre(second));
}

// ── The account

TEST_F(Answering, AllWorkersAreToldToWaitWhereAnAccountIsKept) {
  gate().refresh(KeyState::present, 1, {.max_in_flight = 4, .requests_per_minute = 60});
  const Error error{ErrorKind::rate_limited, "429", seconds(20)};
  refuse(ask({"a"}), error);
  ASSERT_EQ(queue.reservations.size(), 1U);
  EXPECT_EQ(queue.reservations.front().closed_for, seconds(20));
  queue.connected = false;
  refuse(ask({"b"}), error);
  EXPECT_EQ(queue.reservations.size(), 1U) << "nobody can be told";
}

TEST_F(Answering, NobodyIsToldWhereNoAccountIsKept) {
  refuse(ask({"a"}), Error{ErrorKind::rate_limited, "429", seconds(20)});
  EXPECT_THAT(queue.reservations, IsEmpty());
}

TEST_F(Answering, WhatAnAnswerSaysOfTheAccountIsLearned) {
  answers.settle(
      {.id = ask({"a"}), .answer = fail(ErrorKind::rejected, "no"), .limits = {.limit_requests = 60}}, false,
      now);
  EXPECT_TRUE(gate().allowance("model").limited());
  EXPECT_FALSE(gate().allowance("another").limited());
}

}  // namespace
}  // namespace embedd
