#include "contract/embedder_contract.h"

#include <algorithm>
#include <chrono>
#include <set>

#include "core/job.h"
#include "support/print.h"

namespace embedd::test {

// The parameter is an adapter's business; its absence in a binary is not an error.
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(EmbedderContract);

std::uint64_t EmbedderContract::start(const std::vector<std::string>& texts) {
  const std::uint64_t id = next_id_++;
  // Copies that die on return: inputs may be read during start() only.
  const std::vector<std::string> copies = texts;
  world().embedder().start({.id = id,
                            .endpoint = world().endpoint(),
                            .model = world().model(),
                            .dimensions = world().dimensions(),
                            .send_dimensions = true,
                            .inputs = {copies.begin(), copies.end()}});
  return id;
}

std::vector<Reply> EmbedderContract::wait_for(std::size_t count) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  std::vector<Reply> all;
  while (true) {
    for (Reply& reply : world().embedder().take_replies()) all.push_back(std::move(reply));
    if (all.size() >= count || std::chrono::steady_clock::now() >= deadline) break;
    world().turn();
  }
  EXPECT_EQ(all.size(), count);
  return all;
}

Reply EmbedderContract::embed(const std::vector<std::string>& texts) {
  const std::uint64_t id = start(texts);
  std::vector<Reply> replies = wait_for(1);
  if (replies.empty()) return {.answer = fail(ErrorKind::unavailable, "no reply came")};
  EXPECT_EQ(replies.front().id, id);
  return std::move(replies.front());
}

void EmbedderContract::expect_vectors(const Reply& reply, const std::vector<std::string>& texts) {
  ASSERT_TRUE(reply.answer) << reply.answer.error().message;
  const Embeddings& vectors = reply.answer->vectors;
  const auto dimensions = static_cast<std::size_t>(world().dimensions());
  ASSERT_EQ(vectors.dimensions, dimensions);
  ASSERT_EQ(vectors.count(), texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const float* const at = vectors.values.data() + i * dimensions;
    EXPECT_EQ(std::vector<float>(at, at + dimensions), world().vector_of(texts[i])) << "input " << i;
  }
}

void EmbedderContract::expect_silence() {
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(world().embedder().take_replies().empty());
    world().turn();
  }
  EXPECT_TRUE(world().embedder().take_replies().empty());
}

TEST_P(EmbedderContract, VectorsComeInInputOrder) {
  const std::vector<std::string> texts = {"delta", "alpha", "charlie", "bravo"};
  expect_vectors(embed(texts), texts);
}

TEST_P(EmbedderContract, AnAnswerSaysHowMuchMemoryItTook) {
  const Reply reply = embed({"one", "two"});
  ASSERT_TRUE(reply.answer) << reply.answer.error().message;
  if (world().scripted())
    EXPECT_GE(reply.answer->body_bytes, reply.answer->vectors.values.size());
  else
    EXPECT_EQ(reply.answer->body_bytes, 0U) << "there is no server";
}

TEST_P(EmbedderContract, AReplyComesExactlyOnce) {
  embed({"once"});
  expect_silence();
}

TEST_P(EmbedderContract, NothingComesUnasked) { expect_silence(); }

TEST_P(EmbedderContract, EqualTextsGetEqualVectors) {
  const std::vector<std::string> texts = {"same", "other", "same"};
  expect_vectors(embed(texts), texts);
}

TEST_P(EmbedderContract, AnyTextIsCarriedAsItIs) {
  const std::vector<std::string> texts = {"\"quoted\" \\ and / slashed", "line\nbreak\ttab", "naïve 東京 🚀",
                                          std::string(20'000, 'x'), std::string("control \x01 \x1F")};
  expect_vectors(embed(texts), texts);
}

TEST_P(EmbedderContract, RequestsInFlightTogetherAreNotMixedUp) {
  std::vector<std::pair<std::uint64_t, std::vector<std::string>>> sent;
  for (int i = 0; i < 20; ++i) {
    const std::vector<std::string> texts = {"first of " + std::to_string(i),
                                            "second of " + std::to_string(i)};
    sent.emplace_back(start(texts), texts);
  }
  const std::vector<Reply> replies = wait_for(sent.size());
  std::set<std::uint64_t> seen;
  for (const Reply& reply : replies) {
    EXPECT_TRUE(seen.insert(reply.id).second) << "two replies to " << reply.id;
    const auto found = std::ranges::find(sent, reply.id, &decltype(sent)::value_type::first);
    ASSERT_NE(found, sent.end());
    expect_vectors(reply, found->second);
  }
}

TEST_P(EmbedderContract, AnAnswerNamesTheModel) {
  const Reply reply = embed({"text"});
  ASSERT_TRUE(reply.answer);
  EXPECT_EQ(reply.answer->model, world().model());
}

TEST_P(EmbedderContract, LimitsAreUsable) {
  const EndpointLimits limits = world().embedder().limits(world().endpoint());
  EXPECT_GE(limits.max_in_flight, 1U);
  EXPECT_GE(limits.max_inputs, 1U);
  EXPECT_GE(limits.max_input_tokens, 1U);
  EXPECT_GE(limits.max_request_tokens, limits.max_input_tokens);
}

TEST_P(EmbedderContract, CancelWithNothingInFlightDoesNothing) {
  world().embedder().cancel_all();
  expect_silence();
  expect_vectors(embed({"after"}), {"after"});
}

TEST_P(EmbedderContract, CanceledRequestsStillGetTheirReply) {
  if (!world().scripted()) GTEST_SKIP();
  world().hold();
  const std::uint64_t first = start({"one"});
  const std::uint64_t second = start({"two"});
  world().turn();
  world().embedder().cancel_all();
  std::vector<Reply> replies = wait_for(2);
  std::ranges::sort(replies, {}, &Reply::id);
  ASSERT_EQ(replies.size(), 2U);
  EXPECT_EQ(replies[0].id, first);
  EXPECT_EQ(replies[1].id, second);
  for (const Reply& reply : replies) {
    ASSERT_FALSE(reply.answer);
    EXPECT_EQ(reply.answer.error().kind, ErrorKind::canceled);
  }
  world().release();
  expect_silence();
  expect_vectors(embed({"three"}), {"three"});
}

TEST_P(EmbedderContract, ARequestThatIsGivenUpGetsNoReply) {
  if (!world().scripted()) GTEST_SKIP();
  world().hold();
  const std::uint64_t first = start({"one"});
  const std::uint64_t second = start({"two"});
  world().turn();
  world().embedder().give_up(first);
  world().release();
  const std::vector<Reply> replies = wait_for(1);
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies[0].id, second);
  expect_vectors(replies[0], {"two"});
  expect_silence();
  world().embedder().give_up(second);  // answered already
  expect_vectors(embed({"three"}), {"three"});
}

TEST_P(EmbedderContract, ErrorsCarryTheirKind) {
  if (!world().scripted()) GTEST_SKIP();
  for (const ErrorKind kind : {ErrorKind::unavailable, ErrorKind::rate_limited, ErrorKind::quota_exhausted,
                               ErrorKind::too_large, ErrorKind::rejected, ErrorKind::unauthenticated,
                               ErrorKind::misconfigured, ErrorKind::invalid_answer}) {
    world().fail_next(kind);
    const Reply reply = embed({"one", "two"});
    ASSERT_FALSE(reply.answer) << name_of(kind);
    EXPECT_EQ(reply.answer.error().kind, kind) << reply.answer.error().message;
    EXPECT_FALSE(reply.answer.error().message.empty()) << name_of(kind);
  }
  expect_vectors(embed({"after"}), {"after"});
}

TEST_P(EmbedderContract, TheServersRetryTimeIsHandedOn) {
  if (!world().scripted()) GTEST_SKIP();
  world().fail_next(ErrorKind::rate_limited, milliseconds(2500));
  const Reply limited = embed({"text"});
  ASSERT_FALSE(limited.answer);
  EXPECT_EQ(limited.answer.error().retry_after, milliseconds(2500));
  world().fail_next(ErrorKind::unavailable);
  const Reply unavailable = embed({"text"});
  ASSERT_FALSE(unavailable.answer);
  EXPECT_EQ(unavailable.answer.error().retry_after, std::nullopt);
}

TEST_P(EmbedderContract, OneFailureLeavesTheOthersAlone) {
  if (!world().scripted()) GTEST_SKIP();
  world().hold();
  world().fail_next(ErrorKind::unavailable);
  for (int i = 0; i < 4; ++i) start({"text"});
  world().turn();
  world().release();
  const std::vector<Reply> replies = wait_for(4);
  EXPECT_EQ(std::ranges::count_if(replies, [](const Reply& reply) { return !reply.answer; }), 1);
}

TEST_P(EmbedderContract, NoKeyIsAStateThatEnds) {
  if (!world().scripted()) GTEST_SKIP();
  restart_without_key();
  Embedder& embedder = world().embedder();
  EXPECT_EQ(embedder.key_state(world().endpoint()), KeyState::missing);
  const Reply refused = embed({"text"});
  ASSERT_FALSE(refused.answer);
  EXPECT_EQ(refused.answer.error().kind, ErrorKind::unauthenticated);

  const std::uint64_t before = embedder.key_version(world().endpoint());
  world().give_key();
  EXPECT_EQ(embedder.key_state(world().endpoint()), KeyState::present);
  EXPECT_NE(embedder.key_version(world().endpoint()), before);
  expect_vectors(embed({"text"}), {"text"});
}

TEST_P(EmbedderContract, AnotherKeyIsNoticed) {
  if (!world().scripted()) GTEST_SKIP();
  Embedder& embedder = world().embedder();
  EXPECT_EQ(embedder.key_state(world().endpoint()), KeyState::present);
  const std::uint64_t before = embedder.key_version(world().endpoint());
  world().give_key();
  EXPECT_EQ(embedder.key_state(world().endpoint()), KeyState::present);
  EXPECT_NE(embedder.key_version(world().endpoint()), before);
  expect_vectors(embed({"text"}), {"text"});
}

TEST_P(EmbedderContract, AnUnknownEndpointIsUndefined) {
  Embedder& embedder = world().embedder();
  EXPECT_EQ(embedder.key_state("nowhere"), KeyState::undefined);
  embedder.start(
      {.id = 77, .endpoint = "nowhere", .model = world().model(), .dimensions = 3, .inputs = {"text"}});
  const std::vector<Reply> replies = wait_for(1);
  ASSERT_EQ(replies.size(), 1U);
  EXPECT_EQ(replies[0].id, 77U);
  ASSERT_FALSE(replies[0].answer);
  EXPECT_EQ(replies[0].answer.error().kind, ErrorKind::misconfigured);
}

}  // namespace embedd::test
