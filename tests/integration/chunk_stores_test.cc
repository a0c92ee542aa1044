// Vectorizers with a store: each row's text is cut into chunks, which have their vectors in a table of their
// own. Every chunk that is needed is bought once, and a row's chunks change as a whole.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "support/chunk_stores_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;

TEST_F(ChunkStores, EveryChunkHasTheVectorOfItsText) {
  declare();
  write(1, text(40, "tides"));
  write(2, "One line.");
  write(3, "   ");
  const Finished worked = work_once();
  EXPECT_EQ(worked.code, 0) << worked.error_output;
  EXPECT_EQ(wrong(), "");
  EXPECT_EQ(left_over(), kNothing);
  EXPECT_GT(chunks(), 40);
  EXPECT_EQ(bought(), chunks());
  EXPECT_EQ(value("SELECT DISTINCT model_id FROM articles_embedding_store"), "text-embedding-3-small");
}

TEST_F(ChunkStores, OnlyWhatChangedIsBought) {
  declare();
  const std::string body = text(100, "rivers");
  write(1, body);
  ASSERT_EQ(work_once().code, 0);
  const std::int64_t before = bought();
  ASSERT_GE(before, 100);

  std::string edited = body;
  edited.replace(edited.find("Paragraph 50 "), 13, "Paragraph fifty ");
  write(1, edited);
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong(), "");
  EXPECT_LE(bought() - before, 2) << "one word was changed";

  const std::int64_t then = bought();
  write(1, "A new paragraph stands before all others, and says what nobody has said before.\n\n" + edited);
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong(), "");
  EXPECT_LE(bought() - then, 2) << "a paragraph was inserted at the top";
  write(1, "Nearly nothing is left.");
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong(), "") << "a shorter text has fewer chunks";
  EXPECT_EQ(left_over(), kNothing);
}

TEST_F(ChunkStores, EqualChunksAreBoughtOnce) {
  declare();
  const std::string body = text(20, "stones");
  for (int id = 1; id <= 5; ++id) write(id, body);
  ASSERT_EQ(work_once().code, 0);
  const std::int64_t once = bought();
  EXPECT_EQ(chunks(), 5 * once);
  write(6, body);
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(bought(), once) << "the store has them all";
  EXPECT_EQ(wrong(), "");
  EXPECT_EQ(left_over(), kNothing);
}

TEST_F(ChunkStores, FollowTheirRows) {
  declare();
  for (int id = 1; id <= 8; ++id) write(id, text(3, "row " + std::to_string(id)));
  ASSERT_EQ(work_once().code, 0);
  const std::int64_t before = bought();
  sql("DELETE FROM articles WHERE id = 1");
  EXPECT_EQ(value("SELECT count(*) FROM articles_embedding_store WHERE id = 1"), "0")
      << "in the same transaction";
  sql("UPDATE articles SET body = NULL WHERE id = 2");
  sql("UPDATE articles SET id = 30 WHERE id = 3");
  sql("UPDATE articles SET views = views + 1");
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong(), "");
  EXPECT_EQ(bought(), before) << "a row that moves takes its chunks along";
  EXPECT_EQ(left_over(), kNothing);
  sql("TRUNCATE articles");
  EXPECT_EQ(chunks(), 0);
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(left_over(), kNothing);
}

TEST_F(ChunkStores, WhatSomebodyElseWritesIsPutRight) {
  declare();
  for (int id = 1; id <= 4; ++id) write(id, text(4, "row " + std::to_string(id)));
  ASSERT_EQ(work_once().code, 0);
  const std::int64_t before = bought();
  sql("UPDATE articles_embedding_store SET embedding = '[1,2,3,4,5,6,7,8]' WHERE id = 1 AND chunk_seq = 0");
  sql("UPDATE articles_embedding_store SET chunk = 'something else' WHERE id = 2 AND chunk_seq = 1");
  sql("DELETE FROM articles_embedding_store WHERE id = 3 AND chunk_seq = 1");
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong(), "");
  EXPECT_EQ(left_over(), kNothing);
  EXPECT_LE(bought() - before, 2) << "the vector that was overwritten, and the one that was deleted";
}

TEST_F(ChunkStores, ReadersSeeAllOldChunksOrAllNewOnes) {
  declare();
  write(1, text(30, "version 0"));
  Embedd worker = start_worker();
  ASSERT_TRUE(eventually([&] { return chunks() > 0; })) << worker.log();
  std::atomic<bool> done = false;
  std::string mixed;
  std::thread reader([&] {
    pg::Connection user = database.connect();
    while (!done) {
      const std::string versions = value_of(user,
                                            "SELECT string_agg(DISTINCT substring(chunk FROM 'version "
                                            "[0-9]+'), ',') FROM articles_embedding_store");
      if (versions.find(',') != std::string::npos || versions.empty()) mixed = "seen: " + versions;
    }
  });
  for (int version = 1; version <= 15; ++version) {
    write(1, text(30, "version " + std::to_string(version)));
    EXPECT_TRUE(eventually([&] { return wrong().empty(); })) << worker.log();
  }
  done = true;
  reader.join();
  EXPECT_EQ(mixed, "");
  EXPECT_EQ(worker.stop().code, 0);
}

TEST_F(ChunkStores, AKilledWorkerBuysNothingTwice) {
  declare();
  provider.set_latency(milliseconds(20));
  for (int id = 1; id <= 30; ++id) write(id, text(10, "subject " + std::to_string(id)));
  for (int kill = 0; kill < 6; ++kill) {
    Embedd worker = start_worker(
        {{"EMBEDD_LEASE_SECONDS", "2"}, {"EMBEDD_BATCH_INPUTS", "4"}, {"EMBEDD_MAX_IN_FLIGHT", "2"}});
    ASSERT_TRUE(eventually([&, until = bought() + 20] { return bought() >= until || wrong().empty(); }));
    worker.signal(SIGKILL);
    worker.finish();
  }
  Embedd worker = start_worker({{"EMBEDD_LEASE_SECONDS", "2"}});
  ASSERT_TRUE(eventually([&] { return left_over() == kNothing; })) << worker.log() << left_over();
  EXPECT_EQ(wrong(), "");
  EXPECT_LE(provider.stats().repeated_texts, 6u * 32u) << "what was in flight at each kill, and no more";
  EXPECT_EQ(worker.stop().code, 0);
}

TEST_F(ChunkStores, AChunkThatIsRefusedMakesItsRowADeadLetter) {
  declare();
  provider.poisons("poison", Answer::error(400, "invalid_value"));
  write(1, text(3, "good"));
  write(2, text(5, "poison"));
  Embedd worker = start_worker();
  ASSERT_TRUE(eventually([&] {
    return value("SELECT count(*) FROM embedd.dead_letters WHERE vectorizer_id = 1") == "1";
  })) << worker.log();
  EXPECT_THAT(value("SELECT message FROM embedd.dead_letters WHERE vectorizer_id = 1"), HasSubstr("chunk "));
  EXPECT_EQ(value("SELECT count(DISTINCT id) FROM articles_embedding_store"), "1");
  write(2, text(5, "better"));
  ASSERT_TRUE(eventually([&] { return left_over() == kNothing; })) << left_over() << worker.log();
  EXPECT_EQ(wrong(), "");
  EXPECT_EQ(worker.stop().code, 0);
}

TEST_F(ChunkStores, CarryTheirContext) {
  declare({"--chunk", "markdown:40", "--chunk-template", "{title} › {headings}\\n{chunk}"});
  write(1, "# Install\n\nRun the script.\n\n## On Debian\n\n" + text(4, "packages") + "\n\n# Remove\n\n" +
               text(2, "rm"));
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(left_over(), kNothing);
  const std::string asked = fmt::format("{}", fmt::join(provider.last_request().inputs, "|"));
  EXPECT_THAT(asked, HasSubstr("Title › Install › On Debian\n"));
  EXPECT_EQ(
      value(
          "SELECT string_agg(chunk, '' ORDER BY chunk_seq) = max(body) FROM articles_embedding_store s JOIN "
          "articles a USING (id)"),
      "t");
}

TEST_F(ChunkStores, OfLongTextsAreCutInWindows) {
  declare({"--chunk", "recursive:512"});
  write(1, text(30'000, "a very long book"));  // 3 MB
  ASSERT_EQ(work_once({{"EMBEDD_BATCH_INPUTS", "256"}}).code, 0);
  EXPECT_EQ(wrong(), "");
  EXPECT_EQ(left_over(), kNothing);
  EXPECT_EQ(provider.stats().repeated_texts, 0u);
}

TEST_F(ChunkStores, ATextLongerThanIsCutIsADeadLetter) {
  declare();
  write(1, text(12'000, "too long"));  // 1.2 MB
  write(2, "short");
  const Finished worked = work_once({{"EMBEDD_MAX_TEXT_MIB", "1"}});
  EXPECT_EQ(worked.code, 3);
  EXPECT_THAT(value("SELECT kind || ': ' || message FROM embedd.dead_letters"),
              HasSubstr("EMBEDD_MAX_TEXT_MIB"));
  EXPECT_EQ(value("SELECT string_agg(chunk, '') FROM articles_embedding_store"), "short");
}

TEST_F(ChunkStores, AreSearchedByChunk) {
  declare({"--chunk", "recursive:32", "--index", "hnsw"});
  write(1, text(5, "needles"));
  write(2, text(5, "haystacks"));
  ASSERT_EQ(work_once().code, 0);
  const Finished built = run_embedd({"vectorizer", "reindex", "articles"});
  EXPECT_EQ(built.code, 0) << built.error_output;
  EXPECT_THAT(value("SELECT indexdef FROM pg_indexes WHERE indexname LIKE 'embedd%'"),
              HasSubstr("ON public.articles_embedding_store"));
  const std::string chunk =
      value("SELECT chunk FROM articles_embedding_store WHERE id = 2 AND chunk_seq = 3");
  const Finished found = run_embedd({"search", "articles", chunk, "-k", "1", "--json"});
  EXPECT_THAT(found.output, HasSubstr("\"key\":{\"id\": 2}")) << found.error_output;
  EXPECT_THAT(found.output, HasSubstr("\"chunk\":{\"seq\":3,"));
}

TEST_F(ChunkStores, AKeyThatChangesWhileChunksWaitTakesThemAlong) {
  declare();
  provider.hold();
  write(1, text(12, "a row that moves"));
  Embedd worker = start_worker();
  ASSERT_TRUE(provider.wait_for([](const ProviderStats& stats) { return stats.held > 0; })) << worker.log();
  sql("UPDATE articles SET id = 2 WHERE id = 1");
  EXPECT_EQ(value("SELECT string_agg(DISTINCT k1::text, ',') FROM embedd.staged_1"), "2");
  provider.release();
  ASSERT_TRUE(eventually([&] { return left_over() == kNothing; })) << left_over() << worker.log();
  EXPECT_EQ(wrong(), "");
  EXPECT_EQ(provider.stats().repeated_texts, 0U);
  EXPECT_EQ(worker.stop().code, 0);
}

TEST_F(ChunkStores, StandBesideAColumnOfTheSameTable) {
  declare({"--chunk", "recursive:32", "--halfvec"});
  sql("ALTER TABLE articles ADD COLUMN embedding vector(8)");
  const Finished created = run_embedd(
      {"vectorizer", "create", "whole", "--table", "articles", "--text", "{body}", "--column", "embedding"});
  ASSERT_EQ(created.code, 0) << created.error_output;
  write(1, text(3, "two ways"));
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_rows("SELECT id::text, body, embedding::text FROM articles"), "");
  EXPECT_EQ(value("SELECT DISTINCT pg_typeof(embedding) FROM articles_embedding_store"), "halfvec");
  EXPECT_EQ(chunks(), 3);
  EXPECT_EQ(left_over().find("0 jobs, 0 chunk jobs, 0 waiting, 0 staged"), 0U) << left_over();
  sql("UPDATE articles_embedding_store SET embedding = '[1,2,3,4,5,6,7,8]' WHERE chunk_seq = 1");
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(value("SELECT count(*) FROM articles_embedding_store WHERE embedding = '[1,2,3,4,5,6,7,8]'"),
            "0");
}

TEST_F(ChunkStores, SayWhatTheyWaitFor) {
  declare();
  write(1, text(5, "a wrong key"));
  EXPECT_THAT(run_embedd({"estimate", "articles", "--json"}).output, HasSubstr("\"rows\":1"));
  provider.answers_always(Answer::error(401, "invalid_api_key"));
  Embedd worker = start_worker();
  ASSERT_TRUE(eventually([&] { return number("SELECT count(*) FROM embedd.queue_2") > 0; })) << worker.log();
  ASSERT_TRUE(eventually([&] {
    const std::string status = run_embedd({"status"}).output;
    return status.find("chunks of its rows have no vector yet") != std::string::npos &&
           status.find("unauthenticated") != std::string::npos;
  })) << run_embedd({"status"}).output;
  EXPECT_THAT(run_embedd({"vectorizer", "list"}).output, testing::Not(HasSubstr("articles.chunks")));
  provider.forgives();
  EXPECT_EQ(worker.stop().code, 0);
  ASSERT_EQ(run_embedd({"vectorizer", "pause", "articles"}).code, 0);
  EXPECT_EQ(work_once().code, 3);
  EXPECT_EQ(chunks(), 0) << "its chunks are paused with it";
  ASSERT_EQ(run_embedd({"vectorizer", "resume", "articles"}).code, 0);
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(left_over(), kNothing);
  EXPECT_THAT(run_embedd({"estimate", "articles", "--json"}).output, HasSubstr("\"rows\":0"));
  const std::string status = run_embedd({"status"}).output;
  EXPECT_THAT(status, testing::AllOf(HasSubstr("current"), HasSubstr("articles, in all"),
                                     testing::Not(HasSubstr("articles.c"))));
  sql("DROP TRIGGER embedd_store_1 ON articles_embedding_store");
  EXPECT_THAT(run_embedd({"status"}).output, HasSubstr("embedd's triggers are missing"));
  sql("DROP TABLE articles_embedding_store");
  EXPECT_THAT(run_embedd({"status"}).output, HasSubstr("its table of chunks is gone"));
}

TEST_F(ChunkStores, OfMissedChangesAreFoundByTheWalk) {
  declare();
  for (int id = 1; id <= 5; ++id) write(id, text(3, "row " + std::to_string(id)));
  ASSERT_EQ(work_once().code, 0);
  sql("SET session_replication_role = replica");  // no trigger sees what follows
  write(1, text(3, "another row"));
  sql("DELETE FROM articles WHERE id = 2");
  write(6, text(2, "row 6"));
  sql("UPDATE articles_embedding_store SET embedding = '[1,2,3,4,5,6,7,8]' WHERE id = 3 AND chunk_seq = 0");
  sql("DELETE FROM articles_embedding_store WHERE id = 4 AND chunk_seq = 2");
  sql("SET session_replication_role = origin");
  sql("UPDATE embedd.vectorizers SET walked_at = NULL");
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong(), "");
  EXPECT_EQ(left_over(), kNothing);
}

TEST_F(ChunkStores, GoWithTheirVectorizerButForTheStore) {
  declare();
  write(1, text(3, "something"));
  ASSERT_EQ(work_once().code, 0);
  ASSERT_EQ(run_embedd({"vectorizer", "drop", "articles"}).code, 0);
  EXPECT_EQ(value("SELECT count(*) FROM pg_class WHERE relnamespace = 'embedd'::regnamespace AND relname ~ "
                  "'_[0-9]+$'"),
            "0");
  EXPECT_EQ(value("SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'embedd%'"), "0");
  EXPECT_GT(chunks(), 0);
  const Finished again = run_embedd({"vectorizer", "create", "articles", "--table", "articles", "--text",
                                     "{body}", "--dimensions", "8", "--store"});
  EXPECT_EQ(again.code, 2);
  EXPECT_THAT(again.error_output, HasSubstr("name another one with --store"));
}

}  // namespace
}  // namespace embedd::test
