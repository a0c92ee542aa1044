// The bounds at a size that a test run can bear; ./dev bounds has the extremes.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "support/process_usage.h"
#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double kMostMib = 1024;  // sanitizers keep a book of their own
#else
constexpr double kMostMib = 64;
#endif

class Bounds : public WorkerTest {
 protected:
  void declare(int dimensions, const std::string& endpoint) {
    sql("CREATE EXTENSION IF NOT EXISTS vector");
    sql(fmt::format("CREATE TABLE texts (id bigint PRIMARY KEY, body text, embedding vector({}))",
                    dimensions));
    ASSERT_EQ(run_embedd({"migrate"}).code, 0);
    ASSERT_EQ(run_embedd({"vectorizer", "create", "texts", "--table", "texts", "--text", "{body}", "--column",
                          "embedding", "--endpoint", endpoint})
                  .code,
              0);
  }
  std::int64_t without_vector() { return number("SELECT count(*) FROM texts WHERE embedding IS NULL"); }
};

TEST_F(Bounds, AHugeTextAndLargeVectorsStayWithin64MiB) {
  ScriptedProvider large({.dimensions = 1536, .key = "sk-test-e2e"});
  environment["OPENAI_BASE_URL"] = large.base_url();
  declare(1536, "openai");
  sql("INSERT INTO texts SELECT i, repeat(md5(i::text), 10) FROM generate_series(1, 3000) i");
  sql("UPDATE texts SET body = repeat('a text that has no end. ', 4000000) WHERE id = 1500");
  Embedd worker = start_worker();
  ASSERT_TRUE(wait_until_idle(seconds(120))) << worker.log();
  EXPECT_EQ(without_vector(), 0);
  EXPECT_LE(peak_mib(worker.pid()), kMostMib);
}

TEST_F(Bounds, ALongQueueStaysWithin64MiB) {
  declare(64, "local");
  sql("INSERT INTO texts SELECT i, repeat(md5(i::text), 3) FROM generate_series(1, 30000) i");
  Embedd worker = start_worker();
  ASSERT_TRUE(wait_until_idle(seconds(120))) << worker.log();
  EXPECT_EQ(without_vector(), 0);
  EXPECT_LE(peak_mib(worker.pid()), kMostMib);
}

}  // namespace
}  // namespace embedd::test
