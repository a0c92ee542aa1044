// Money has a brake, on the real thing: rows that are bought in vain again and again.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;

class Brake : public WorkerTest {
 protected:
  Brake() { declare_docs(); }
};

TEST_F(Brake, HoldsTextsThatReadDifferentlyInEverySession) {
  EMBEDD_NOT_ON(pgbouncer, "the worker's connections may share one session of the server's");
  add_docs(20);
  const std::string text_sql = value("SELECT text_sql FROM embedd.vectorizers");
  sql("UPDATE embedd.vectorizers SET text_sql = text_sql || ' || pg_backend_pid()'");
  Embedd worker = start_worker({{"EMBEDD_POLL_SECONDS", "1"}});
  Embedd another = start_worker({{"EMBEDD_POLL_SECONDS", "1"}});
  ASSERT_TRUE(eventually([&] {
    return worker.logged("spending_braked") + another.logged("spending_braked") > 0;
  })) << worker.log();
  EXPECT_TRUE(eventually([&] { return number("SELECT count(*) FROM embedd.wasted WHERE level > 3") == 20; }));
  EXPECT_TRUE(eventually([&] {
    return run_embedd({"status"}).output.find("docs waits: braked") != std::string::npos;
  })) << run_embedd({"status"}).output;
  EXPECT_LE(provider.stats().inputs, 20U * 16);
  EXPECT_GT(worker.metric("embedd_braked_total{vectorizer=\"docs\"}") +
                another.metric("embedd_braked_total{vectorizer=\"docs\"}"),
            0);
  EXPECT_EQ(jobs(), 20);
  EXPECT_EQ(dead_letters(), 0);
  EXPECT_EQ(number("SELECT max(attempt) FROM embedd.queue_1"), 0);

  sql(fmt::format("UPDATE embedd.vectorizers SET text_sql = $t${}$t$", text_sql));
  EXPECT_TRUE(wait_until_idle()) << worker.log();
  EXPECT_EQ(wrong_docs(), "");
}

TEST_F(Brake, HoldsATriggerThatRewritesWhateverIsStored) {
  sql("CREATE FUNCTION rewrite() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.body := 'rewritten at ' || "
      "clock_timestamp(); RETURN NEW; END$$");
  sql("CREATE TRIGGER rewrite BEFORE UPDATE OF embedding ON docs FOR EACH ROW EXECUTE FUNCTION rewrite()");
  // The vectorizer has to see what such a trigger writes.
  ASSERT_EQ(run_embedd({"vectorizer", "drop", "docs"}).code, 0);
  create_vectorizer();
  add_docs(1);
  Embedd worker = start_worker({{"EMBEDD_POLL_SECONDS", "1"}});
  ASSERT_TRUE(worker.wait_for_log("spending_braked")) << worker.log();
  EXPECT_THAT(worker.log(), HasSubstr("new texts all the time"));
  EXPECT_LE(provider.stats().requests, 120U);
}

}  // namespace
}  // namespace embedd::test
