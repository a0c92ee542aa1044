// No key is a state, not an error: the worker warns once, waits, and starts when there is one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;

class NoKey : public WorkerTest {
 protected:
  NoKey() {
    environment.erase("OPENAI_API_KEY");
    environment["OPENAI_API_KEY_FILE"] = files.file("key");
    environment["EMBEDD_POLL_SECONDS"] = "0.05";
  }
  /// Waits until the worker has polled some times more.
  bool polls(int times) {
    std::string last;
    return eventually([&] {
      std::string now = value("SELECT max(seen_at) FROM embedd.workers");
      if (now == last) return false;
      last = std::move(now);
      return --times < 0;
    });
  }
  static std::string state(const std::string& name) {
    return "embedd_endpoint_state{endpoint=\"openai\",state=\"" + name + "\"}";
  }
};

TEST_F(NoKey, WarnsOnceWaitsAndStartsWhenTheKeyAppears) {
  declare_docs();
  add_docs(100);
  Embedd worker = start_worker();
  ASSERT_TRUE(eventually([&] { return worker.metric(state("no_api_key")) == 1; })) << worker.log();
  ASSERT_TRUE(polls(10));
  EXPECT_TRUE(worker.running());
  EXPECT_EQ(worker.logged("\"level\":\"warn\""), 1) << worker.log();
  EXPECT_EQ(worker.logged("\"event\":\"no_api_key\""), 1);
  EXPECT_EQ(worker.logged("\"level\":\"error\""), 0);
  EXPECT_THAT(worker.get("/readyz"), HasSubstr("\"status\":\"degraded\""));
  EXPECT_EQ(value("SELECT count(*) FROM docs WHERE embedding IS NOT NULL"), "0");
  EXPECT_EQ(
      value("SELECT count(*) FROM embedd.queue_1 WHERE lease IS NULL AND attempt = 0 AND run_at <= now()"),
      "100");
  EXPECT_EQ(provider.stats().requests, 0u);

  files.write("key", "sk-test-e2e\n");
  EXPECT_TRUE(wait_until_idle()) << worker.log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(worker.metric(state("no_api_key")), 0);
  EXPECT_EQ(worker.metric(state("ready")), 1);
  EXPECT_THAT(worker.get("/readyz"), HasSubstr("\"status\":\"ready\""));
}

TEST_F(NoKey, AKeyFileThatIsEmptyForAMomentInterruptsNothing) {
  files.write("key", "sk-test-e2e\n");
  declare_docs();
  add_docs(10);
  Embedd worker = start_worker();
  ASSERT_TRUE(wait_until_idle()) << worker.log();
  files.write("key", "");
  ASSERT_TRUE(worker.wait_for_log("\"event\":\"key_file_unusable\"")) << worker.log();
  add_docs(10, "later");
  EXPECT_TRUE(wait_until_idle()) << worker.log();
  ASSERT_TRUE(polls(10));
  EXPECT_EQ(worker.logged("\"level\":\"warn\""), 1) << worker.log();
  EXPECT_EQ(wrong_docs(), "");
}

TEST_F(NoKey, AWrongKeyIsReplacedWithoutARestart) {
  files.write("key", "sk-wrong\n");
  declare_docs();
  add_docs(50);
  Embedd worker = start_worker();
  ASSERT_TRUE(eventually([&] { return worker.metric(state("unauthenticated")) == 1; })) << worker.log();
  files.write("key", "sk-test-e2e\n");
  EXPECT_TRUE(wait_until_idle()) << worker.log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(worker.metric("embedd_attempts_failed_total{kind=\"unauthenticated\"}"), 0);
  EXPECT_LE(provider.stats().statuses[401], 4u) << "what was in flight, and no hammering";
}

TEST_F(NoKey, AnEmptyAccountIsResumedByAnotherKey) {
  files.write("key", "sk-test-e2e\n");
  declare_docs();
  add_docs(50);
  provider.answers_always(Answer::error(429, "insufficient_quota", "You exceeded your current quota"));
  Embedd worker = start_worker();
  ASSERT_TRUE(eventually([&] { return worker.metric(state("quota_exhausted")) == 1; })) << worker.log();
  ASSERT_TRUE(polls(10));
  EXPECT_LE(provider.stats().requests, 4u) << "exhausted quota is not a rate limit: nothing to hammer at";
  EXPECT_EQ(number("SELECT max(attempt) FROM embedd.queue_1"), 0);
  EXPECT_EQ(leases(), 0) << "its rows are free for workers with another account";
  provider.answers_always(std::nullopt);
  provider.set_key("sk-of-another-account");
  files.write("key", "sk-of-another-account\n");
  EXPECT_TRUE(wait_until_idle()) << worker.log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(dead_letters(), 0);
}

}  // namespace
}  // namespace embedd::test
