// What a stranger with SQL, or a row that somebody has tampered with, can do to the worker: nothing.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;

class Tampered : public WorkerTest {};

TEST_F(Tampered, ADamagedDeclarationStopsNoOther) {
  declare_docs();
  sql("CREATE TABLE notes (id bigint PRIMARY KEY, body text, embedding vector(8))");
  ASSERT_EQ(run_embedd({"vectorizer", "create", "notes", "--table", "notes", "--text", "{body}", "--column",
                        "embedding"})
                .code,
            0);
  add_docs(3);
  Embedd worker = start_worker();
  ASSERT_TRUE(wait_until_idle()) << worker.log();
  int round = 0;
  for (const char* damage : {"key_columns = '{{id,id},{id,id}}'", "key_columns = ARRAY[NULL]",
                             "key_types = '{}'", "key_columns = '{id,body}'", "dimensions = 2000000000"}) {
    const std::string before = value("SELECT to_jsonb(v) FROM embedd.vectorizers v WHERE name = 'notes'");
    sql(fmt::format("UPDATE embedd.vectorizers SET {} WHERE name = 'notes'", damage));
    ASSERT_TRUE(eventually([&] { return worker.logged("vectorizer_unusable") > round; }))
        << damage << worker.log();
    ++round;
    add_docs(3, fmt::format("round-{}", round));
    ASSERT_TRUE(wait_until_idle()) << worker.log();
    sql("UPDATE embedd.vectorizers SET key_columns = '{id}', key_types = '{bigint}', dimensions = 8 "
        "WHERE name = 'notes'");
    sql(fmt::format("INSERT INTO notes VALUES ({}, 'a note')", round));
    ASSERT_TRUE(eventually([&] { return value("SELECT count(*) FROM embedd.queue_2") == "0"; }))
        << worker.log();
  }
  EXPECT_EQ(worker.logged("vectorizer_unusable"), round) << "each is said once\n" << worker.log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(wrong_rows("SELECT id, body, embedding FROM notes"), "");
}

}  // namespace
}  // namespace embedd::test
