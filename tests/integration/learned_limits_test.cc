// What refusals have taught one worker, the next one knows: for a day, and of the same model at the same
// place.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

class LearnedLimits : public WorkerTest {
 protected:
  void SetUp() override {
    declare_docs();
    add_docs(300);
  }
  /// Refusals that a worker of its own meets while it embeds all texts, which are new ones.
  std::uint64_t refusals_of_a_new_worker(const Environment& changes = {}) {
    const std::uint64_t met = embed_all(changes);
    EXPECT_EQ(wrong_docs(), "");
    return met;
  }
  std::uint64_t embed_all(const Environment& changes = {}) {
    sql("UPDATE docs SET body = body || '.'");
    const std::uint64_t before = refusals();
    const Finished run = work_once(changes);
    EXPECT_EQ(run.code, 0) << run.error_output;
    return refusals() - before;
  }
  [[nodiscard]] std::uint64_t refusals() const {
    auto statuses = provider.stats().statuses;
    return statuses[400] + statuses[422];
  }
};

/// Of DashScope, TEI and Gemini.
TEST_F(LearnedLimits, OfBatchesAreKnownToTheNextWorker) {
  for (const std::size_t limit : {10U, 32U, 100U}) {
    SCOPED_TRACE(limit);
    sql("DELETE FROM embedd.learned_limits");
    provider.set_max_inputs(limit);
    const std::uint64_t first = refusals_of_a_new_worker();
    EXPECT_GE(first, 1U);
    EXPECT_LE(first, 8U);
    EXPECT_EQ(refusals_of_a_new_worker(), 0U);
    EXPECT_EQ(number("SELECT inputs FROM embedd.learned_limits"), static_cast<std::int64_t>(limit));
  }
}

TEST_F(LearnedLimits, AreTriedAnewAfterADay) {
  provider.set_max_inputs(32);
  EXPECT_GE(refusals_of_a_new_worker(), 1U);
  EXPECT_EQ(refusals_of_a_new_worker(), 0U);
  sql("UPDATE embedd.learned_limits SET learned_at = now() - interval '25 hours'");
  EXPECT_GE(refusals_of_a_new_worker(), 1U);
  EXPECT_EQ(refusals_of_a_new_worker(), 0U);
  provider.set_max_inputs(2048);
  sql("UPDATE embedd.learned_limits SET learned_at = now() - interval '25 hours'");
  refusals_of_a_new_worker();
  sql("UPDATE embedd.learned_limits SET learned_at = now() - interval '25 hours'");
  const std::uint64_t before = provider.stats().requests;
  refusals_of_a_new_worker();
  EXPECT_LT(provider.stats().requests - before, 9U) << "and nothing is believed for ever";
}

TEST_F(LearnedLimits, HoldForTheSamePlaceOnly) {
  provider.set_max_inputs(32);
  EXPECT_GE(refusals_of_a_new_worker(), 1U);
  const std::string elsewhere = fmt::format("http://localhost:{}/v1", provider.port());
  EXPECT_GE(refusals_of_a_new_worker({{"OPENAI_BASE_URL", elsewhere}}), 1U);
  EXPECT_EQ(refusals_of_a_new_worker({{"OPENAI_BASE_URL", elsewhere}}), 0U);
  EXPECT_EQ(refusals_of_a_new_worker(), 0U);
  EXPECT_EQ(value("SELECT count(*) FROM embedd.learned_limits WHERE address LIKE '%http%'"), "0");
}

TEST_F(LearnedLimits, AreForgottenWithTheDeclaration) {
  provider.set_max_inputs(32);
  EXPECT_GE(refusals_of_a_new_worker(), 1U);
  EXPECT_EQ(run_embedd({"vectorizer", "drop", "docs"}).code, 0);
  create_vectorizer();
  EXPECT_GE(refusals_of_a_new_worker(), 1U);
}

TEST_F(LearnedLimits, IncludeParametersThatAreRefused) {
  provider.set_refused_parameter("encoding_format");
  EXPECT_GE(refusals_of_a_new_worker(), 1U);
  EXPECT_EQ(value("SELECT no_encoding_format FROM embedd.learned_limits"), "t");
  EXPECT_EQ(refusals_of_a_new_worker(), 0U);
}

TEST_F(LearnedLimits, OfTextsAreKnownToTheNextWorker) {
  provider.set_max_input_tokens(256);
  sql("UPDATE docs SET body = body || repeat(' word', 600)");
  EXPECT_GE(embed_all(), 1U);
  EXPECT_GT(number("SELECT text_tokens FROM embedd.learned_limits"), 100);
  EXPECT_EQ(embed_all(), 0U);
}

/// A running worker hears of what others learned, and of what is to be tried anew.
TEST_F(LearnedLimits, AreHeardOfByRunningWorkers) {
  provider.set_max_inputs(32);
  EXPECT_GE(refusals_of_a_new_worker(), 1U);
  Embedd worker = start_worker();
  ASSERT_TRUE(worker.wait_for_log("\"event\":\"worker_started\"")) << worker.log();
  const auto refusals_now = [&](const std::string& what) {
    const std::uint64_t before = refusals();
    sql("UPDATE docs SET body = body || '.'");
    EXPECT_TRUE(wait_until_idle()) << what << worker.log();
    return refusals() - before;
  };
  EXPECT_EQ(refusals_now("remembered"), 0U);
  const std::uint64_t polls = number("SELECT extract(epoch FROM max(seen_at)) * 1000 FROM embedd.workers");
  sql("DELETE FROM embedd.learned_limits");
  ASSERT_TRUE(eventually([&] {
    return number("SELECT extract(epoch FROM max(seen_at)) * 1000 FROM embedd.workers") >
           static_cast<std::int64_t>(polls) + 1000;
  }));
  EXPECT_GE(refusals_now("deleted"), 1U);
  EXPECT_TRUE(eventually([&] { return number("SELECT count(*) FROM embedd.learned_limits") == 1; }));
}

}  // namespace
}  // namespace embedd::test
