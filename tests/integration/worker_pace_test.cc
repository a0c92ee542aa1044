// A model server that computes one request after another, as Ollama does on a CPU: what the real binary asks
// of it, and for how long it waits.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;

class SerialServer : public WorkerTest {
 protected:
  static constexpr const char* kAbandoned = "embedd_inputs_abandoned_total{endpoint=\"slow\"}";
  static constexpr double kTextsPerSecond = 100;

  /// The vectorizer docs over rows that exist, at the slow endpoint; silence is borne for so long at least.
  void backfill(int rows, int timeout_seconds) {
    files.write("embedd.toml",
                fmt::format("[endpoint.slow]\nbase_url = \"{}\"\napi_key = \"\"\ntimeout_seconds = {}\n",
                            slow.base_url(), timeout_seconds));
    environment["EMBEDD_CONFIG"] = files.file("embedd.toml");
    create_docs();
    add_docs(rows);
    ASSERT_EQ(run_embedd({"migrate"}).code, 0);
    const Finished created = run_embedd({"vectorizer", "create", "docs", "--table", "docs", "--text",
                                         "{title}\\n{body}", "--column", "embedding", "--model-id-column",
                                         "embedding_model_id", "--model-version-column",
                                         "embedding_model_version", "--endpoint", "slow", "--model", "m"});
    ASSERT_EQ(created.code, 0) << created.error_output;
  }
  bool wait_until_embedded() {
    return eventually([this] { return number("SELECT count(*) FROM docs WHERE embedding IS NULL") == 0; },
                      seconds(120));
  }

  ScriptedProvider slow{{.dimensions = kDimensions, .texts_per_second = kTextsPerSecond}};
};

/// All requests that are allowed, each as large as is allowed, would wait for ten seconds; silence is borne
/// for three.
TEST_F(SerialServer, IsNeverSentMoreThanItAnswersInTime) {
  backfill(1500, 3);
  Embedd worker = start_worker();
  ASSERT_TRUE(wait_until_embedded()) << worker.log();
  EXPECT_EQ(slow.stats().abandoned, 0u);
  EXPECT_EQ(slow.stats().inputs, 1500u) << "nothing twice";
  EXPECT_EQ(worker.metric(kAbandoned), 0);
  EXPECT_GT(worker.metric("embedd_endpoint_inputs_per_second{endpoint=\"slow\"}"), kTextsPerSecond / 2);
  EXPECT_LE(worker.metric("embedd_endpoint_concurrency{endpoint=\"slow\"}"), 8);
}

/// Behind the queue of the backfill it would wait for all 3,000 rows, or for those of all requests that are
/// allowed.
TEST_F(SerialServer, StoresALiveChangeAfterAFewRequests) {
  backfill(3000, 60);
  Embedd worker = start_worker();
  ASSERT_TRUE(slow.wait_for([](const auto& stats) { return stats.inputs >= 400; }, seconds(60)))
      << worker.log();
  const ProviderStats before = slow.stats();
  add_docs(1, "live");
  ASSERT_TRUE(eventually([&] {
    return value("SELECT embedding IS NOT NULL FROM docs WHERE slug = 'live-1'") == "t";
  })) << worker.log();
  EXPECT_LE(slow.stats().answered - before.answered, 12u);
  EXPECT_GT(number("SELECT count(*) FROM docs WHERE embedding IS NULL"), 0) << "the backfill goes on";
}

TEST_F(SerialServer, ThatFallsSilentIsGivenUpAndSaidOnce) {
  backfill(300, 1);
  slow.hold();
  Embedd worker = start_worker();
  ASSERT_TRUE(worker.wait_for_log("\"event\":\"request_abandoned\""));
  ASSERT_TRUE(eventually([&] { return worker.metric(kAbandoned) >= 5; })) << worker.log();
  EXPECT_EQ(worker.logged("\"event\":\"request_abandoned\""), 1);
  EXPECT_THAT(worker.log(), HasSubstr("raise timeout_seconds"));
  EXPECT_LE(slow.stats().held, 8u) << "it is sent little while it is silent";
  slow.release();
  ASSERT_TRUE(wait_until_embedded()) << worker.log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(dead_letters(), 0);
}

}  // namespace
}  // namespace embedd::test
