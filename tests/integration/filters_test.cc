// A --where that fails on a row: the user's write goes through, the row becomes a dead letter, its neighbours
// do not notice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;

class Filters : public WorkerTest {
 protected:
  void SetUp() override {
    ASSERT_EQ(run_embedd({"migrate"}).code, 0);
    sql("CREATE TABLE notes (id bigint PRIMARY KEY, meta jsonb, judged text, embedding vector(8))");
  }
  Finished create() {
    return run_embedd({"vectorizer", "create", "notes", "--table", "notes", "--text", "{judged}", "--column",
                       "embedding", "--where", "(meta->>'year')::int >= 2020"});
  }
  /// Rows whose year is `year`, in one statement.
  void add(int from, int to, const std::string& year) {
    run(db,
        "INSERT INTO notes SELECT i, jsonb_build_object('year', $3::text), 'note ' || i FROM "
        "generate_series($1::int, $2::int) i",
        {std::to_string(from), std::to_string(to), year});
  }
  /// As it should be, once `failing` rows are dead letters.
  std::string wrong() {
    return wrong_rows(
        "SELECT id, CASE WHEN meta->>'year' ~ '^20[2-9]' THEN judged END, embedding FROM notes");
  }
  std::string dead() {
    return value("SELECT string_agg(key->>'id', ' ' ORDER BY key) FROM embedd.dead_letters");
  }
};

TEST_F(Filters, ThatFailOnARowFailNoWriteAndHoldUpNobody) {
  ASSERT_EQ(create().code, 0);
  add(1, 10, "2021");
  add(11, 20, "2019");
  EXPECT_EQ(jobs(), 20) << "the trigger asks no condition";
  add(21, 21, "n/a");
  sql(R"(INSERT INTO notes VALUES (22, '{"year": "2022"}', 'a'), (23, '{"year": "?"}', 'b'), (24, '{"year": "1"}', 'c'))");
  const Finished first = work_once();
  EXPECT_EQ(first.code, 3) << first.error_output;
  EXPECT_EQ(wrong(), "");
  EXPECT_EQ(dead(), "21 23");
  EXPECT_EQ(jobs(), 0);
  EXPECT_THAT(value("SELECT min(message) FROM embedd.dead_letters"),
              HasSubstr("fails on this row: 22P02 invalid_text_representation"));

  sql(R"(UPDATE notes SET meta = '{"year": "?"}' WHERE id IN (1, 11))");
  sql(R"(UPDATE notes SET judged = 'changed' WHERE id BETWEEN 2 AND 5)");
  sql(R"(UPDATE notes SET meta = '{"year": "2023"}' WHERE id = 21)");
  EXPECT_EQ(work_once().code, 3);
  EXPECT_EQ(wrong(), "") << "a row that nobody can judge loses the vector of its former text";
  EXPECT_EQ(dead(), "1 11 23");

  sql(R"(UPDATE notes SET meta = '{"year": "2024"}')");
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong(), "");
  EXPECT_EQ(dead_letters(), 0);
  EXPECT_EQ(provider.stats().repeated_texts, 1u) << "only row 1 had lost its vector";
}

TEST_F(Filters, ThatFailOnARowThatTheTriggersDidNotSeeDoNotStopTheWalk) {
  ASSERT_EQ(create().code, 0);
  sql("SET session_replication_role = replica");
  add(1, 40, "2021");
  add(41, 41, "n/a");
  add(42, 60, "2021");
  sql("RESET session_replication_role");
  const Finished run = work_once();
  EXPECT_EQ(run.code, 3) << run.error_output;
  EXPECT_EQ(wrong(), "");
  EXPECT_EQ(dead(), "41");
  sql("UPDATE embedd.vectorizers SET walked_at = NULL");
  EXPECT_EQ(work_once().code, 3);
  EXPECT_EQ(jobs(), 0) << "the next walk leaves it alone";
}

TEST_F(Filters, ThatFailWhileTheirRowIsAtTheProviderFailThatRowOnly) {
  ASSERT_EQ(create().code, 0);
  add(1, 4, "2021");
  provider.hold();
  Embedd worker = start_worker();
  ASSERT_TRUE(provider.wait_for([](const auto& stats) { return stats.held == 1; })) << worker.log();
  // Behind the triggers' back, so that the lease stands and only the settlement finds out.
  sql("SET session_replication_role = replica");
  sql(R"(UPDATE notes SET meta = '{"year": "?"}' WHERE id = 3)");
  sql("RESET session_replication_role");
  provider.release();
  EXPECT_TRUE(eventually([&] { return wrong().empty() && jobs() == 0; })) << worker.log();
  EXPECT_EQ(dead(), "3");
}

TEST_F(Filters, AreTriedOnTheRowsThatThereAre) {
  add(1, 3, "2021");
  add(4, 4, "n/a");
  const Finished refused = create();
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.error_output,
              HasSubstr("fails on a row of \"public\".\"notes\": 22P02 invalid_text_representation"));
  sql("DELETE FROM notes WHERE id = 4");
  EXPECT_EQ(create().code, 0);
}

TEST_F(Filters, OnAPartitionedTableFailNoWriteEither) {
  sql("CREATE TABLE parts (id bigint, meta jsonb, judged text, embedding vector(8), PRIMARY KEY (id)) "
      "PARTITION BY "
      "RANGE (id)");
  sql("CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100)");
  ASSERT_EQ(run_embedd({"vectorizer", "create", "parts", "--table", "parts", "--text", "{judged}", "--column",
                        "embedding", "--where", "(meta->>'year')::int >= 2020"})
                .code,
            0);
  sql(R"(INSERT INTO parts VALUES (1, '{"year": "2021"}', 'a'), (2, '{"year": "?"}', 'b'), (3, '{"year": "1"}', 'c'))");
  EXPECT_EQ(jobs(), 3);
  EXPECT_EQ(work_once().code, 3);
  EXPECT_EQ(dead(), "2");
  EXPECT_EQ(value("SELECT string_agg(id::text, ' ') FROM parts WHERE embedding IS NOT NULL"), "1");
}

}  // namespace
}  // namespace embedd::test
