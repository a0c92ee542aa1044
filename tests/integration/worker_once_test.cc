// worker --once: a table's rows become embedded, and the exit status says whether all of them are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;

class WorkerOnce : public WorkerTest {};

TEST_F(WorkerOnce, EmbedsEveryRowWithItsOwnText) {
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
  EXPECT_THAT(first.output, HasSubstr("; none remains\n")) << "it has walked";
  const Finished second = work_once();
  EXPECT_EQ(second.code, 0);
  EXPECT_EQ(provider.stats().requests, requests) << "nothing changed, so nothing may be asked for";
  sql("UPDATE embedd.vectorizers SET walked_at = now() - interval '12 minutes'");
  EXPECT_THAT(work_once().output,
              HasSubstr("; none remains, by a walk through every row 12 min ago and the changes since\n"));
}

TEST_F(WorkerOnce, SaysThatItCouldNotLook) {
  declare_docs();
  ASSERT_EQ(work_once().code, 0);
  // Somebody else walks, and gets nowhere.
  sql("UPDATE embedd.vectorizers SET walked_at = NULL, walk_until = now() + interval '1 hour'");
  EXPECT_THAT(work_once().output, HasSubstr("; none remains in the queue; not every table has been walked"));
}

TEST_F(WorkerOnce, FindsRowsFromBeforeTheVectorizer) {
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

TEST_F(ExitThree, WhenTheWalkIsRefused) {
  declare_docs();
  add_docs(5);
  EXPECT_EQ(work_once().code, 0);
  sql("ALTER TABLE docs RENAME COLUMN body TO content");
  sql("UPDATE embedd.vectorizers SET walked_at = NULL");
  Embedd worker = start({"worker", "--once"});
  const Finished run = worker.finish();
  EXPECT_EQ(run.code, 3) << run.error_output;
  EXPECT_THAT(run.error_output, HasSubstr("vectorizer_resting"));
}

TEST_F(ExitThree, WhenTheVectorizerIsPaused) {
  declare_docs();
  add_docs(5);
  ASSERT_EQ(run_embedd({"vectorizer", "pause", "docs"}).code, 0);
  EXPECT_EQ(work_once().code, 3);
  EXPECT_EQ(provider.stats().requests, 0u);
}

}  // namespace
}  // namespace embedd::test
