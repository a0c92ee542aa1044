// Nobody waits for somebody else's problem, on the real thing: new rows, small vectorizers, healthy
// endpoints.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;

class Fair : public WorkerTest {
 protected:
  /// A second vectorizer, with the id 2, over a table of its own.
  void declare_other(const std::string& endpoint = "openai") {
    sql(fmt::format("CREATE TABLE other (id int PRIMARY KEY, words text, embedding vector({}))",
                    kDimensions));
    const Finished created =
        run_embedd({"vectorizer", "create", "other", "--table", "other", "--text", "{words}", "--column",
                    "embedding", "--endpoint", endpoint, "--model", "m"});
    ASSERT_EQ(created.code, 0) << created.error_output;
  }
  bool stored(const std::string& row) {
    return value(fmt::format("SELECT embedding IS NOT NULL FROM {}", row)) == "t";
  }
};

TEST_F(Fair, ASmallVectorizerDoesNotWaitForABigOne) {
  declare_docs();
  declare_other();
  sql("INSERT INTO other SELECT i, 'word ' || i FROM generate_series(1, 20000) i");
  provider.set_latency(milliseconds(200));
  Embedd worker = start_worker({{"EMBEDD_MAX_IN_FLIGHT", "2"}, {"EMBEDD_BATCH_INPUTS", "128"}});
  ASSERT_TRUE(provider.wait_for([](const auto& stats) { return stats.answered >= 3; }, seconds(60)))
      << worker.log();
  add_docs(3);
  ASSERT_TRUE(eventually([&] { return stored("docs WHERE slug = 'doc-3'"); })) << worker.log();
  EXPECT_GT(number("SELECT count(*) FROM embedd.queue_2"), 10'000) << "the big one is not done yet";
}

TEST_F(Fair, AHealthyEndpointDoesNotWaitForOneThatHangs) {
  ScriptedProvider sick({.dimensions = kDimensions, .key = "sk-test-e2e"});
  files.write("embedd.toml",
              fmt::format("[endpoint.sick]\nbase_url = \"{}\"\napi_key = {{ env = \"OPENAI_API_KEY\" }}\n",
                          sick.base_url()));
  environment["EMBEDD_CONFIG"] = files.file("embedd.toml");
  declare_docs();
  declare_other("sick");
  sql("INSERT INTO other SELECT i, 'word ' || i FROM generate_series(1, 5000) i");
  // Room for some ten requests: without a share of its own, docs would find it taken.
  Embedd worker = start_worker({{"EMBEDD_HELD_MIB", "1"}, {"EMBEDD_CLAIM_ROWS", "64"}});
  ASSERT_TRUE(sick.wait_for([](const auto& stats) { return stats.answered >= 5; }, seconds(60)))
      << worker.log();
  sick.hold();
  ASSERT_TRUE(sick.wait_for([](const auto& stats) { return stats.held >= 1; }, seconds(60))) << worker.log();
  for (int i = 1; i <= 5; ++i) {
    add_docs(1, fmt::format("new{}", i));
    ASSERT_TRUE(
        eventually([&] { return stored(fmt::format("docs WHERE slug = 'new{}-1'", i)); }, seconds(20)))
        << worker.log();
  }
  EXPECT_GT(sick.stats().held, 0u) << "all this time";
  sick.release();
  EXPECT_TRUE(eventually([&] { return number("SELECT count(*) FROM embedd.queue_2") == 0; }, seconds(120)))
      << worker.log();
  EXPECT_EQ(dead_letters(), 0);
}

TEST_F(Fair, NewRowsDoNotWaitForRetries) {
  declare_docs();
  provider.poisons("GARBLED", Answer::broken(Fault::zeros));
  add_docs(10);
  sql("INSERT INTO docs (slug, title, body) SELECT 'bad-' || i, 'bad', 'GARBLED ' || i FROM "
      "generate_series(1, 40) i");
  Embedd worker = start_worker();
  ASSERT_TRUE(eventually([&] {
    return number("SELECT count(*) FROM embedd.queue_1 WHERE attempt > 0") == 40;
  })) << worker.log();
  for (int i = 1; i <= 5; ++i) {
    add_docs(1, fmt::format("new{}", i));
    ASSERT_TRUE(eventually([&] { return stored(fmt::format("docs WHERE slug = 'new{}-1'", i)); }))
        << worker.log();
  }
  EXPECT_EQ(jobs(), 40) << "the bad ones still have attempts left";
  for (const char* slug : {"new1-1", "new3-1", "new5-1"})
    EXPECT_EQ(provider.times_embedded(text_of(slug)), 1u) << "no retry took it along";
}

class DeadCommands : public WorkerTest {
 protected:
  std::string done(const std::vector<std::string>& arguments) {
    const Finished run = run_embedd(arguments);
    EXPECT_EQ(run.code, 0) << run.error_output;
    return run.output;
  }
};

TEST_F(DeadCommands, ListRetryAndPurgeByKeyKindVectorizerAndAge) {
  declare_docs();
  provider.poisons("POISON", Answer::error(400, "invalid_value", "bad content"));
  add_docs(20);
  for (const char* slug : {"doc-3", "doc-7", "doc-11"})
    sql(fmt::format("UPDATE docs SET body = 'POISON ' || slug WHERE slug = '{}'", slug));
  EXPECT_EQ(work_once().code, 3);
  EXPECT_EQ(dead_letters(), 3);

  const std::string json = done({"dead", "list", "docs", "--key", "doc-7", "--json"});
  EXPECT_THAT(json, testing::StartsWith(
                        R"([{"vectorizer":"docs","key":{"slug": "doc-7"},"kind":"rejected","message":")"));
  EXPECT_THAT(json, HasSubstr("bad content"));
  EXPECT_THAT(json, testing::EndsWith("}]\n"));
  EXPECT_EQ(done({"dead", "list", "--kind", "too_large", "--json"}), "[]\n");
  EXPECT_EQ(done({"dead", "list", "--older-than", "1h", "--json"}), "[]\n");
  const std::string table = done({"dead", "list", "--newer-than", "1h"});
  for (const char* slug : {"doc-3", "doc-7", "doc-11", "rejected", "failed at"})
    EXPECT_THAT(table, HasSubstr(slug));

  // Forgiven at the provider's, one of them is tried again; the worker says that rows remain.
  provider.forgives();
  EXPECT_EQ(run_embedd({"dead", "retry"}).code, 2) << "of which vectorizer?";
  EXPECT_EQ(run_embedd({"dead", "retry", "--all", "--older-than", "soon"}).code, 2);
  EXPECT_EQ(done({"dead", "retry", "docs", "--key", "doc-7"}), "1 retried\n");
  EXPECT_EQ(work_once().code, 3);
  EXPECT_EQ(wrong_docs(), "doc-11(none) doc-3(none) ");
  EXPECT_EQ(done({"dead", "purge", "docs", "--key", R"({"slug": "doc-3"})", "--json"}), "{\"purged\":1}\n");
  EXPECT_EQ(done({"dead", "retry", "--all", "--kind", "rejected", "--newer-than", "1h"}), "1 retried\n");
  work_once();
  EXPECT_EQ(wrong_docs(), "doc-3(none) ");
  EXPECT_EQ(dead_letters(), 0);
}

}  // namespace
}  // namespace embedd::test
