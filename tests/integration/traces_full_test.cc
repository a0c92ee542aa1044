// traces init --full: the three vectors of the first user's table, which stays as their application made it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/traces_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class TracesFull : public TracesTest {
 protected:
  void SetUp() override { create_their_tables(); }
  /// Which of the three vectors the trace has, such as "embedding context_embedding".
  std::string vectors_of(const std::string& id) {
    return value(fmt::format(
        "SELECT concat_ws(' ', CASE WHEN embedding IS NOT NULL THEN 'embedding' END, CASE WHEN "
        "solution_embedding IS NOT NULL THEN 'solution' END, CASE WHEN context_embedding IS NOT NULL THEN "
        "'context' END) FROM traces WHERE id = '{}'",
        uuid(id)));
  }
  std::string context_of(const std::string& id) {
    const std::string text = value("SELECT text_sql FROM embedd.vectorizers WHERE name = 'traces_context'");
    return value(fmt::format("SELECT {} FROM traces t WHERE id = '{}'", text, uuid(id)));
  }
  std::int64_t bought() { return number("SELECT coalesce(sum(requests), 0) FROM embedd.usage"); }
};

TEST_F(TracesFull, KeepsTheThreeVectorsAndComesToRest) {
  add_trace("01", "short", "nineteen characters");
  add_trace("02", "long", "a solution with more than twenty characters", R"({})");
  add_trace("03", "full", "twenty characters ok",
            R"({"environment": "docker", "runtime": "node", "package_manager": "npm", "os": "linux", )"
            R"("framework": "react", "language": "typescript", "other": "x"})");
  add_trace("04", "part", "umlauts: \xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4\xc3\xb6\xc3\xbc\xc3\xa4 17",
            R"({"os": "linux", "language": null, "runtime": "caf\u00e9"})");
  init_full();
  const Finished worked = work_once();
  ASSERT_EQ(worked.code, 0) << worked.error_output;
  EXPECT_EQ(vectors_of("01"), "embedding");
  EXPECT_EQ(vectors_of("02"), "embedding solution");
  EXPECT_EQ(vectors_of("03"), "embedding solution context");
  EXPECT_EQ(vectors_of("04"), "embedding context") << "characters count, not bytes";
  EXPECT_EQ(context_of("02"), "NULL");
  EXPECT_EQ(
      context_of("03"),
      "language:typescript framework:react os:linux package_manager:npm runtime:node environment:docker");
  EXPECT_EQ(context_of("04"), "os:linux runtime:caf\xc3\xa9");
  EXPECT_EQ(value("SELECT string_agg(DISTINCT embedding_model_id, ' ') FROM traces"), "local-hashing-v1");
  EXPECT_EQ(all_jobs(), 0);
  EXPECT_EQ(dead_letters(), 0);

  const std::int64_t before = bought();
  EXPECT_EQ(work_once().code, 0) << "nothing is left to do";
  EXPECT_EQ(bought(), before);
}

TEST_F(TracesFull, FollowsSolutionsAndFingerprintsThatChange) {
  add_trace("01", "one", "long enough to have a vector", R"({"language": "go"})");
  init_full();
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(vectors_of("01"), "embedding solution context");
  sql("UPDATE traces SET solution_text = 'short', context_fingerprint = '{}'");
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(vectors_of("01"), "embedding");
  sql("UPDATE traces SET solution_text = 'this is long enough again', context_fingerprint = '{\"os\": "
      "\"bsd\"}'");
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(vectors_of("01"), "embedding solution context");
  EXPECT_EQ(all_jobs(), 0);
}

TEST_F(TracesFull, ASearchThatCountsItsHitsMakesNoJob) {
  for (int i = 10; i < 60; ++i)
    add_trace(std::to_string(i), fmt::format("trace {}", i), "long enough to have a vector",
              R"({"os": "bsd"})");
  init_full();
  ASSERT_EQ(work_once().code, 0);
  const std::int64_t before = bought();
  sql("UPDATE traces SET retrieval_count = retrieval_count + 1, last_retrieved_at = now()");
  EXPECT_EQ(all_jobs(), 0) << "the vectorizers notice nothing";
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(bought(), before);
  EXPECT_EQ(number("SELECT count(*) FROM traces WHERE embedding IS NULL OR solution_embedding IS NULL OR "
                   "context_embedding IS NULL"),
            0);
}

TEST_F(TracesFull, LeavesTheirColumnsAloneAndMayBeRunAgain) {
  const std::string columns =
      "SELECT string_agg(concat(attname, atttypid, atttypmod, attnotnull, atthasdef), ',' ORDER BY attnum) "
      "FROM pg_attribute WHERE attrelid = 'traces'::regclass";
  const std::string before = value(columns);
  init_full();
  EXPECT_EQ(value(columns), before);
  const std::string declared =
      "SELECT string_agg(concat(id, name, destination_column, model), ' ' ORDER BY id) FROM "
      "embedd.vectorizers";
  EXPECT_EQ(value(declared),
            "1tracesembeddinglocal-hashing-v1 2traces_solutionsolution_embeddinglocal-hashing-v1 "
            "3traces_contextcontext_embeddinglocal-hashing-v1");
  const Finished again = run_embedd({"traces", "init", "--full"});
  EXPECT_EQ(again.code, 0) << again.error_output;
  EXPECT_THAT(again.output, AllOf(HasSubstr("found   table public.traces"),
                                  HasSubstr("found   vectorizer traces_solution: model local-hashing-v1"),
                                  HasSubstr("found   vectorizer traces_context")));
  EXPECT_EQ(value("SELECT count(*) FROM embedd.vectorizers"), "3");
}

TEST_F(TracesFull, CompletesWhatAPlainInitBegan) {
  ASSERT_EQ(run_embedd({"traces", "init", "--endpoint", "local"}).code, 0);
  const Finished made = run_embedd({"traces", "init", "--full", "--json"});
  ASSERT_EQ(made.code, 0) << made.error_output;
  EXPECT_EQ(at(made.output, "/created_vectorizer"), "false");
  EXPECT_EQ(at(made.output, "/vectorizers/1/vectorizer"), "\"traces_solution\"");
  EXPECT_EQ(at(made.output, "/vectorizers/1/created"), "true");
  EXPECT_EQ(at(made.output, "/vectorizers/2/endpoint"), "\"local\"") << "as the vectorizer traces";
}

TEST_F(TracesFull, SaysWhichColumnsAreMissing) {
  sql("ALTER TABLE traces DROP context_fingerprint, DROP solution_embedding");
  const Finished refused = run_embedd({"traces", "init", "--full", "--endpoint", "local"});
  EXPECT_EQ(refused.code, 2);
  const std::string statement =
      "ALTER TABLE \"public\".\"traces\" ADD solution_embedding public.vector(1536), ADD context_fingerprint "
      "jsonb";
  EXPECT_THAT(refused.error_output, HasSubstr(statement));
  EXPECT_EQ(value("SELECT count(*) FROM embedd.vectorizers"), "0");
  sql(statement);
  init_full();
  add_trace("01", "one", "long enough to have a vector", R"({"language": "go"})");
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(vectors_of("01"), "embedding solution context");
}

TEST_F(TracesFull, AreCountedUnderAnotherPrefixToo) {
  init_full();
  Embedd worker = start_worker({{"EMBEDD_METRICS_PREFIX", "commontrace"}});
  add_trace("01", "one", "long enough to have a vector", R"({"language": "go"})");
  const std::string labels = R"({model="local-hashing-v1",status="success"})";
  EXPECT_TRUE(
      eventually([&] { return worker.metric("commontrace_embeddings_processed_total" + labels) == 3; }));
  EXPECT_GE(worker.metric(R"(commontrace_embedding_duration_seconds_count{model="local-hashing-v1"})"), 1);
  worker.stop();
}

class TracesAnew : public TracesTest {};

TEST_F(TracesAnew, AFreshTableHasTheWholeSchema) {
  const Finished made = run_embedd({"traces", "init", "--full", "--endpoint", "local"});
  ASSERT_EQ(made.code, 0) << made.error_output;
  EXPECT_THAT(made.output, HasSubstr("created vectorizer traces_context"));
  sql("INSERT INTO traces (title, context_text, solution_text, context_fingerprint) VALUES "
      "('t', 'c', 'long enough to have a vector', '{\"language\": \"go\", \"os\": \"linux\"}')");
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(
      value("SELECT count(*) FROM traces WHERE embedding IS NOT NULL AND solution_embedding IS NOT NULL "
            "AND context_embedding IS NOT NULL"),
      "1");
  EXPECT_EQ(value("SELECT to_regclass('trace_relationships') IS NOT NULL"), "t");
  init_full();
}

}  // namespace
}  // namespace embedd::test
