// What stands beside a store, and rows that take long or arrive at an awkward moment.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/chunk_stores_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;

TEST_F(ChunkStores, AreJoinedWithTheirTableByAView) {
  declare({"--chunk", "recursive:32", "--view"});
  write(1, text(4, "windows"));
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(
      value("SELECT string_agg(column_name, ' ' ORDER BY ordinal_position) FROM information_schema.columns "
            "WHERE table_name = 'articles_embedding'"),
      "embedding_uuid chunk_seq chunk embedding id title body views");
  EXPECT_EQ(value("SELECT string_agg(chunk, '' ORDER BY chunk_seq) = min(body) FROM articles_embedding"),
            "t");
  ASSERT_EQ(run_embedd({"vectorizer", "change", "articles", "--chunk", "recursive:128"}).code, 0);
  ASSERT_EQ(work_once().code, 0);
  const std::int64_t before = number("SELECT count(*) FROM articles_embedding");
  const Finished switched = run_embedd({"vectorizer", "switch", "articles"});
  ASSERT_EQ(switched.code, 0) << switched.error_output;
  EXPECT_LT(number("SELECT count(*) FROM articles_embedding"), before) << "the view shows the new chunks";
  const auto create = [&](const std::vector<std::string>& more) {
    std::vector<std::string> all = {"vectorizer", "create", "more",  "--table",
                                    "articles",   "--text", "{body}"};
    all.insert(all.end(), more.begin(), more.end());
    return run_embedd(all).error_output;
  };
  EXPECT_THAT(create({"--store", "more", "--view"}),
              HasSubstr("there is a \"public\".\"articles_embedding\" already"));
  EXPECT_EQ(value("SELECT to_regclass('more') IS NULL"), "t");
  sql("ALTER TABLE articles ADD COLUMN embedding vector(8)");
  EXPECT_THAT(create({"--store", "more", "--view", "other"}), HasSubstr("has a column embedding"));
  EXPECT_THAT(create({"--column", "embedding", "--view"}), HasSubstr("goes with --store"));
}

TEST_F(ChunkStores, ARowWhoseChunksTakeLongToStoreKeepsNobodyElseWaiting) {
  declare();
  declare_docs();
  sql("CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.4); RETURN "
      "NEW; END'");
  sql("CREATE TRIGGER dawdle BEFORE INSERT ON articles_embedding_store FOR EACH ROW WHEN (NEW.id = 1) "
      "EXECUTE FUNCTION dawdle()");
  write(1, text(40, "patience"));
  Embedd worker = start_worker({{"EMBEDD_LEASE_SECONDS", "5"}});
  ASSERT_TRUE(
      eventually([&] { return worker.log().find("\"long swaps\"") != std::string::npos; }, seconds(60)))
      << worker.log();
  add_docs(20);
  ASSERT_TRUE(eventually([&] { return number("SELECT count(embedding) FROM docs") == 20; })) << worker.log();
  EXPECT_EQ(chunks(), 0) << "the row's chunks were to take longer";
  ASSERT_TRUE(eventually([&] { return chunks() > 0; }, seconds(60))) << worker.log();
  EXPECT_EQ(wrong(), "");
  EXPECT_EQ(bought(), chunks() + 20);
  write(2, text(4, "haste"));
  ASSERT_TRUE(wait_until_idle(seconds(30))) << worker.log();
  EXPECT_EQ(wrong(), "");
  EXPECT_EQ(left_over(), kNothing);
  const auto swaps_open = [&] {
    return number(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
        "application_name = 'embedd worker'");
  };
  if (target() != Target::pgbouncer) {  // which keeps connections for others
    EXPECT_TRUE(eventually([&] { return swaps_open() == 2; })) << "the connection is closed after use";
  }
  EXPECT_EQ(worker.stop().code, 0);
}

TEST_F(ChunkStores, RowsAreDueAlthoughTheirLastChunksArriveAtOnce) {
  EMBEDD_NOT_ON(row_triggers, "takes no advisory lock: such a row is looked at after 15 seconds");
  declare();
  write(1, text(2, "doors"));
  provider.answers_always(Answer::error(401, "invalid_api_key"));
  Embedd worker = start_worker();
  ASSERT_TRUE(eventually([&] { return number("SELECT count(*) FROM embedd.queue_2") == 2; })) << worker.log();
  worker.stop();
  ASSERT_EQ(value("SELECT run_at > now() FROM embedd.queue_1"), "t");

  pg::Connection first = database.connect(), second = database.connect();
  const auto arrives = [](pg::Connection& connection, const char* order) {
    run(connection,
        fmt::format(
            "UPDATE embedd.chunks_1 SET embedding = '[1,0,0,0,0,0,0,0]' WHERE hash = (SELECT hash FROM "
            "embedd.chunks_1 ORDER BY hash {} LIMIT 1)",
            order));
  };
  run(first, "BEGIN");
  arrives(first, "ASC");
  std::jthread other([&] { arrives(second, "DESC"); });
  ASSERT_TRUE(eventually([&] {
    return number("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") == 1;
  }));
  run(first, "COMMIT");
  other.join();
  EXPECT_EQ(value("SELECT run_at <= now() FROM embedd.queue_1"), "t");
}

}  // namespace
}  // namespace embedd::test
