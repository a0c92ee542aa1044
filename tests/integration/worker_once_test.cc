// worker --once: a table's rows become embedded, and the exit status says whether all of them are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;

class WorkerOnce : public RoutedWorkerTest {};
EMBEDD_BOTH_ROUTES(WorkerOnce);

TEST_P(WorkerOnce, EmbedsEveryRowWithItsOwnText) {
  declare_docs();
  add_docs(700);
  const Finished first = work_once();
  EXPECT_EQ(first.code, 0) << first.error_output;
  EXPECT_THAT(first.output, HasSubstr("embedded 700 rows"));
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(value("SELECT string_agg(DISTINCT embedding_model_id, ',') FROM docs"), "text-embedding-3-small");
  EXPECT_EQ(value("SELECT string_agg(DISTINCT embedding_model_version, ',') FROM docs"),
            "text-embedding-3-small");
  EXPECT_EQ(jobs(), 0);
  EXPECT_EQ(provider.stats().inputs, 700u);
  EXPECT_EQ(number("SELECT sum(tokens) FROM embedd.usage"),
            static_cast<std::int64_t>(provider.stats().tokens));

  const std::uint64_t requests = provider.stats().requests;
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(provider.stats().requests, requests) << "nothing changed, so nothing may be asked for";
}

TEST_P(WorkerOnce, FindsRowsFromBeforeTheVectorizer) {
  create_docs();
  add_docs(300);
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  create_vectorizer();
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(provider.stats().inputs, 300u);
}

class ExitThree : public WorkerTest {};

TEST_F(ExitThree, WhenARowCanNeverBeEmbedded) {
  declare_docs();
  add_docs(50);
  provider.poisons("POISON", Answer::error(400, "invalid_value", "bad content"));
  sql("UPDATE docs SET body = 'POISON' WHERE slug = 'doc-20'");
  EXPECT_EQ(work_once().code, 3);
  EXPECT_EQ(wrong_docs(), "doc-20(none) ") << "its neighbours must not suffer";
  EXPECT_EQ(value("SELECT key::text || ' ' || kind FROM embedd.dead_letters"),
            R"({"slug": "doc-20"} rejected)");
  EXPECT_EQ(work_once().code, 3) << "it is still unembedded";

  sql("UPDATE docs SET body = 'harmless' WHERE slug = 'doc-20'");
  EXPECT_EQ(work_once().code, 0) << "a mended row is embedded again";
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(dead_letters(), 0);
}

TEST_F(ExitThree, WhenThereIsNoKey) {
  declare_docs();
  add_docs(5);
  const Finished run = work_once({{"OPENAI_API_KEY", ""}});
  EXPECT_EQ(run.code, 3) << run.error_output;
  EXPECT_EQ(jobs(), 5);
  EXPECT_EQ(provider.stats().requests, 0u);
}

TEST_F(ExitThree, WhenTheVectorizerIsPaused) {
  declare_docs();
  add_docs(5);
  ASSERT_EQ(run_embedd({"vectorizer", "pause", "docs"}).code, 0);
  EXPECT_EQ(work_once().code, 3);
  EXPECT_EQ(provider.stats().requests, 0u);
}

class LeastPrivilege : public WorkerTest {};

TEST_F(LeastPrivilege, ARoleThatOwnsNothingRunsTheWorker) {
  declare_docs();
  add_docs(100);
  const std::string role = "e2e_worker_" + database.name();
  sql("CREATE ROLE " + role + " LOGIN");
  // As docs/schema.md says.
  for (const char* grant :
       {"GRANT USAGE ON SCHEMA embedd TO ", "GRANT SELECT ON ALL TABLES IN SCHEMA embedd TO ",
        "GRANT UPDATE (reconciled_at, reconcile_until) ON embedd.vectorizers TO ",
        "GRANT INSERT, UPDATE, DELETE ON embedd.dead_letters, embedd.workers, embedd.usage TO ",
        "GRANT INSERT, UPDATE, DELETE ON embedd.queue_1, embedd.ledger_1 TO ",
        "GRANT SELECT, UPDATE (embedding, embedding_model_id, embedding_model_version) ON docs TO "})
    sql(grant + role);
  provider.poisons("POISON", Answer::error(400, "invalid_value"));
  sql("UPDATE docs SET body = 'POISON' WHERE slug = 'doc-7'");
  sql("UPDATE docs SET title = NULL, body = NULL WHERE slug = 'doc-8'");

  const Environment as_worker{{"DATABASE_URL", database.url() + " user=" + role}};
  const Finished run = work_once(as_worker);
  EXPECT_EQ(run.code, 3) << run.error_output;
  EXPECT_EQ(wrong_docs(), "doc-7(none) ");
  EXPECT_EQ(dead_letters(), 1);
  sql("DELETE FROM docs WHERE slug = 'doc-7'");
  EXPECT_EQ(work_once(as_worker).code, 0);
  EXPECT_THAT(run.error_output, Not(HasSubstr("permission denied")));
  sql("DROP OWNED BY " + role);
  sql("DROP ROLE " + role);
}

}  // namespace
}  // namespace embedd::test
