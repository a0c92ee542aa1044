// A change of mind: a successor is filled beside the living vectorizer, and takes its place in one short
// transaction. Names stay, nothing is mixed, and nobody is misled about what is complete.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "schema/successor.h"
#include "schema/switch.h"
#include "support/expected_vector.h"
#include "support/queue_fixture.h"
#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class Successors : public WorkerTest {
 protected:
  void declare(int rows) {
    declare_docs();
    add_docs(rows);
    ASSERT_EQ(work_once().code, 0);
    ASSERT_EQ(wrong_docs(), "");
  }

  Finished change(const std::vector<std::string>& what = {"--text", "{body}"}) {
    std::vector<std::string> arguments = {"vectorizer", "change", "docs"};
    arguments.insert(arguments.end(), what.begin(), what.end());
    return run_embedd(arguments);
  }

  /// Rows that lack the vector of their body in `column`.
  std::string wrong_bodies(const std::string& column = "embedding") {
    return wrong_rows(fmt::format("SELECT slug, body, {}::text FROM docs", column));
  }
  /// Rows that lack the vector of title and body in `column`.
  std::string wrong_both(const std::string& column) {
    return wrong_rows(fmt::format("SELECT slug, title || E'\\n' || body, {}::text FROM docs", column));
  }
};

/// The walk passes over rows that users hold, and looks again. Until then nobody may take the successor for
/// complete.
TEST_F(Successors, AreNotCompleteWhileAUserHoldsARowThatTheyLack) {
  declare(10);
  ASSERT_EQ(change().code, 0);
  sql("BEGIN");
  sql("UPDATE docs SET views = 1 WHERE slug = 'doc-3'");
  EXPECT_EQ(work_once().code, 3) << "a row remains";
  const Finished early = run_embedd({"vectorizer", "switch", "docs"}), status = run_embedd({"status"});
  sql("COMMIT");
  EXPECT_EQ(early.code, 1);
  EXPECT_THAT(early.error_output, HasSubstr("users hold 1 rows that docs.next has not seen"));
  EXPECT_THAT(status.output, HasSubstr("docs.next: users hold 1 rows without a true vector"));
  environment["EMBEDD_WALK_SECONDS"] = "1";
  EXPECT_TRUE(eventually([&] { return work_once().code == 0; }));
  EXPECT_EQ(run_embedd({"vectorizer", "switch", "docs"}).code, 0);
  EXPECT_EQ(wrong_bodies("embedding"), "");
}

TEST_F(Successors, TakeTheNameWhenTheyAreComplete) {
  declare(30);
  const std::uint64_t before = provider.stats().inputs;
  const Finished begun = change();
  ASSERT_EQ(begun.code, 0) << begun.error_output;
  EXPECT_THAT(begun.output, HasSubstr("docs.next is filled beside docs"));
  EXPECT_EQ(wrong_docs(), "") << "the living vectors are as they were";

  const Finished early = run_embedd({"vectorizer", "switch", "docs"});
  EXPECT_EQ(early.code, 1);
  EXPECT_THAT(early.error_output, HasSubstr("docs.next has not seen all rows yet"));

  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(provider.stats().inputs - before, 30u);
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(wrong_bodies("embedding_next"), "");

  const Finished switched = run_embedd({"vectorizer", "switch", "docs"});
  ASSERT_EQ(switched.code, 0) << switched.error_output;
  EXPECT_EQ(wrong_bodies("embedding"), "");
  EXPECT_EQ(wrong_both("embedding_old"), "");
  EXPECT_EQ(value("SELECT count(DISTINCT embedding_model_id) FROM docs"), "1");

  sql("UPDATE docs SET body = 'another body' WHERE slug = 'doc-1'");
  add_docs(3, "new");
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_bodies("embedding"), "");
  EXPECT_EQ(wrong_both("embedding_old"), "") << "what was replaced is kept true";
  EXPECT_EQ(provider.stats().inputs - before, 30u + 2 * 4) << "nothing else was bought";
  EXPECT_EQ(run_embedd({"check"}).code, 0);

  ASSERT_EQ(run_embedd({"vectorizer", "switch", "docs", "--back"}).code, 0);
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(wrong_bodies("embedding_next"), "");
  ASSERT_EQ(run_embedd({"vectorizer", "switch", "docs"}).code, 0);
  EXPECT_EQ(wrong_bodies("embedding"), "");
  ASSERT_EQ(run_embedd({"vectorizer", "prune", "docs"}).code, 0);
  EXPECT_EQ(value("SELECT count(*) FROM information_schema.columns WHERE table_name = 'docs' AND column_name "
                  "LIKE '%\\_old'"),
            "0");
  sql("UPDATE docs SET body = 'yet another body' WHERE slug = 'doc-2'");
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_bodies("embedding"), "");
  EXPECT_EQ(provider.stats().inputs - before, 30u + 2 * 4 + 1);
  EXPECT_EQ(number("SELECT count(*) FROM embedd.vectorizers"), 1);
  EXPECT_EQ(run_embedd({"check"}).code, 0);
}

TEST_F(Successors, HappenUnderTrafficWithoutAMixture) {
  declare(60);
  Embedd worker = start_worker();
  std::atomic<bool> stop{false};
  std::atomic<int> mixed{0}, reads{0};
  std::thread writer([&] {
    pg::Connection user = database.connect();
    for (int i = 0; !stop; ++i) {
      run(user, "UPDATE docs SET body = $1 WHERE slug = $2",
          {fmt::format("body number {}", i), fmt::format("doc-{}", i % 40 + 1)});
      std::this_thread::sleep_for(milliseconds(2));
    }
  });
  std::thread reader([&] {
    pg::Connection user = database.connect();
    // Rows 41 to 60 never change: a reader sees all old vectors or all new ones, in one statement.
    for (; !stop; ++reads) {
      const pg::Rows rows =
          run(user, "SELECT title, body, embedding::text FROM docs WHERE slug ~ '^doc-(4[1-9]|5[0-9]|60)$'");
      int old_ones = 0, new_ones = 0;
      for (int i = 0; i < rows.size(); ++i) {
        const std::string vector = rows.is_null(i, 2) ? "" : rows.text(i, 2);
        const auto is = [&](const std::string& text) {
          std::string list;
          for (const float each : expected_vector(text, kDimensions))
            list += fmt::format("{}{}", list.empty() ? "[" : ",", each);
          return value_of(user, fmt::format("SELECT '{}]'::vector = '{}'::vector", list, vector)) == "t";
        };
        if (vector.empty()) continue;
        old_ones += is(rows.text(i, 0) + "\n" + rows.text(i, 1)) ? 1 : 0;
        new_ones += is(rows.text(i, 1)) ? 1 : 0;
      }
      if (old_ones != rows.size() && new_ones != rows.size()) ++mixed;
    }
  });
  EXPECT_EQ(change().code, 0);
  EXPECT_TRUE(
      eventually([&] { return run_embedd({"vectorizer", "switch", "docs"}).code == 0; }, seconds(60)));
  std::this_thread::sleep_for(milliseconds(500));
  EXPECT_EQ(run_embedd({"vectorizer", "switch", "docs", "--back", "--incomplete"}).code, 0);
  std::this_thread::sleep_for(milliseconds(500));
  EXPECT_EQ(run_embedd({"vectorizer", "switch", "docs", "--incomplete"}).code, 0);
  std::this_thread::sleep_for(milliseconds(500));
  stop = true;
  writer.join();
  reader.join();
  EXPECT_TRUE(eventually([&] {
    return number("SELECT (SELECT count(*) FROM embedd.queue_1) + (SELECT count(*) FROM embedd.queue_2)") ==
           0;
  })) << worker.log();
  EXPECT_EQ(worker.stop().code, 0);
  EXPECT_EQ(wrong_bodies("embedding"), "");
  EXPECT_EQ(wrong_both("embedding_old"), "");
  EXPECT_EQ(mixed, 0);
  EXPECT_GT(reads, 0);
}

TEST_F(Successors, AreRefusedWhereTheyWouldMislead) {
  declare(5);
  sql("INSERT INTO docs (slug, title, body) VALUES ('odd', 'Odd', 'a text to be refused')");
  ASSERT_EQ(work_once().code, 0);
  EXPECT_THAT(run_embedd({"vectorizer", "switch", "docs"}).error_output, HasSubstr("docs has no successor"));
  EXPECT_THAT(run_embedd({"vectorizer", "prune", "docs"}).error_output, HasSubstr("nothing to prune"));
  EXPECT_THAT(run_embedd({"vectorizer", "change", "docs"}).error_output,
              HasSubstr("nothing of docs would change"));
  EXPECT_THAT(change({"--chunk", "recursive:100"}).error_output, HasSubstr("writes into a column"));
  EXPECT_THAT(change({"--model", "no-such-model"}).error_output, HasSubstr("say it with --dimensions"));
  EXPECT_THAT(change({"--text", "{nothing}"}).error_output, HasSubstr("has no column 'nothing'"));
  EXPECT_EQ(value("SELECT count(*) FROM information_schema.columns WHERE column_name = 'embedding_next'"),
            "0")
      << "a change that is refused leaves no column behind";

  sql("CREATE INDEX ON docs USING hnsw (embedding vector_cosine_ops)");
  ASSERT_EQ(change().code, 0);
  EXPECT_THAT(change().error_output, HasSubstr("is to be replaced by docs.next already"));
  EXPECT_EQ(value("SELECT index_kind FROM embedd.vectorizers WHERE name = 'docs.next'"), "hnsw");
  provider.poisons("a text to be refused", Answer::error(400, "invalid_value"));
  EXPECT_EQ(work_once().code, 3);
  EXPECT_THAT(run_embedd({"vectorizer", "switch", "docs"}).error_output,
              HasSubstr("docs.next has no vector index, and docs has one"));
  ASSERT_EQ(run_embedd({"vectorizer", "reindex", "docs.next", "--now"}).code, 0);
  EXPECT_THAT(run_embedd({"vectorizer", "switch", "docs"}).error_output,
              HasSubstr("1 rows wait for a vector of docs.next or were refused"));
  sql("CREATE MATERIALIZED VIEW near AS SELECT slug, embedding FROM docs");
  EXPECT_THAT(run_embedd({"vectorizer", "switch", "docs", "--incomplete"}).error_output,
              HasSubstr("materialized view public.near"));
  sql("DROP MATERIALIZED VIEW near");
  const Finished switched = run_embedd({"vectorizer", "switch", "docs", "--incomplete"});
  EXPECT_EQ(switched.code, 0) << switched.error_output;
  EXPECT_THAT(switched.error_output, HasSubstr("1 rows are not found until"));
  EXPECT_THAT(change({"--text", "{title}"}).error_output, Not(HasSubstr("error"))) << "a change may follow";
  EXPECT_THAT(run_embedd({"vectorizer", "switch", "docs"}).error_output, HasSubstr("prune docs"));
}

TEST_F(Successors, ArePassedOnToViewsAndPrivileges) {
  declare(4);
  const std::string role = "reader_of_" + value("SELECT current_database()");
  sql("CREATE ROLE " + role);
  sql("GRANT SELECT (slug, embedding) ON docs TO " + role);
  sql("CREATE VIEW texts WITH (security_barrier) AS SELECT slug, body, embedding FROM docs WHERE title <> "
      "''");
  ASSERT_EQ(change().code, 0);
  ASSERT_EQ(work_once().code, 0);
  const Finished switched = run_embedd({"vectorizer", "switch", "docs"});
  ASSERT_EQ(switched.code, 0) << switched.error_output;
  EXPECT_THAT(switched.output, HasSubstr("views made again: public.texts"));
  EXPECT_EQ(wrong_rows("SELECT slug, body, embedding::text FROM texts"), "");
  EXPECT_EQ(value("SELECT reloptions FROM pg_class WHERE relname = 'texts'"), "{security_barrier=true}");
  EXPECT_EQ(value("SELECT has_column_privilege('" + role + "', 'docs', 'embedding', 'SELECT')"), "t");
  sql("DROP VIEW texts");
  sql("REVOKE ALL ON docs FROM " + role);
  ASSERT_EQ(run_embedd({"vectorizer", "prune", "docs"}).code, 0);
  sql("DROP OWNED BY " + role);
  sql("DROP ROLE " + role);
}

TEST_F(Successors, MayHaveOtherDimensionsAndCanBeGivenUp) {
  declare(6);
  ASSERT_EQ(change({"--dimensions", "4"}).code, 0);
  EXPECT_EQ(
      value("SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'docs'::regclass "
            "AND attname = 'embedding_next'"),
      "vector(4)");
  const Finished canceled = run_embedd({"vectorizer", "change", "docs", "--cancel"});
  ASSERT_EQ(canceled.code, 0) << canceled.error_output;
  EXPECT_EQ(value("SELECT count(*) FROM information_schema.columns WHERE column_name LIKE '%\\_next'"), "0");
  EXPECT_EQ(number("SELECT count(*) FROM embedd.vectorizers"), 1);
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(run_embedd({"check"}).code, 0);
}

TEST_F(Successors, OfStoresRenameTables) {
  sql("CREATE TABLE articles (id bigint PRIMARY KEY, title text, body text)");
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  ASSERT_EQ(run_embedd({"vectorizer", "create", "articles", "--table", "articles", "--text", "{body}",
                        "--store", "--chunk", "recursive:32", "--dimensions", "8"})
                .code,
            0);
  std::string body;
  for (int i = 0; i < 30; ++i)
    body += fmt::format("Paragraph {} says that nothing of it is like number {}, in no way at all.\n\n", i,
                        i * 7);
  run(db,
      "INSERT INTO articles SELECT i, 'Title ' || i, 'Article ' || i || E'.\\n\\n' || $1 FROM "
      "generate_series(1, 3) i",
      {body});
  ASSERT_EQ(work_once().code, 0);
  const std::int64_t before = number("SELECT count(*) FROM articles_embedding_store");
  ASSERT_EQ(run_embedd({"vectorizer", "change", "articles", "--chunk", "recursive:128"}).code, 0);
  ASSERT_EQ(work_once().code, 0);
  const Finished switched = run_embedd({"vectorizer", "switch", "articles"});
  ASSERT_EQ(switched.code, 0) << switched.error_output;
  const auto whole = [&](const std::string& store) {
    return wrong_rows("SELECT id, chunk, embedding::text FROM " + store) +
           value(
               "SELECT coalesce(string_agg(a.id::text, ','), '') FROM articles a LEFT JOIN (SELECT id, "
               "string_agg(chunk, '' ORDER BY chunk_seq) AS body FROM " +
               store + " GROUP BY id) s USING (id) WHERE a.body IS DISTINCT FROM s.body");
  };
  EXPECT_LT(number("SELECT count(*) FROM articles_embedding_store"), before / 2);
  EXPECT_EQ(number("SELECT count(*) FROM articles_embedding_store_old"), before);
  sql("UPDATE articles SET body = body || 'The end.' WHERE id = 2");
  sql("DELETE FROM articles WHERE id = 3");
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(whole("articles_embedding_store"), "");
  EXPECT_EQ(whole("articles_embedding_store_old"), "");
  ASSERT_EQ(run_embedd({"vectorizer", "switch", "articles", "--back"}).code, 0);
  EXPECT_EQ(whole("articles_embedding_store"), "");
  ASSERT_EQ(run_embedd({"vectorizer", "change", "articles", "--cancel"}).code, 0);
  sql("UPDATE articles SET body = body || 'Really.' WHERE id = 2");
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(whole("articles_embedding_store"), "");
  EXPECT_EQ(value("SELECT to_regclass('articles_embedding_store_next') IS NULL"), "t");
  EXPECT_EQ(run_embedd({"check"}).code, 0);
}

/// A partition that comes while the successor is filled, and one that comes after the switch, are like the
/// others.
TEST_F(Successors, OfPartitionedTablesRenameTheColumnsOfAllPartitions) {
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  sql("CREATE TABLE notes (id bigint, day int, title text, body text, embedding vector(8), PRIMARY KEY (id, "
      "day)) "
      "PARTITION BY LIST (day)");
  for (const char* day : {"1", "2"})
    sql(fmt::format("CREATE TABLE notes_{0} PARTITION OF notes FOR VALUES IN ({0})", day));
  sql("INSERT INTO notes SELECT i, 1 + i % 2, 'title ' || i, 'body ' || i FROM generate_series(1, 20) i");
  ASSERT_EQ(run_embedd({"vectorizer", "create", "notes", "--table", "notes", "--text", "{title}", "--column",
                        "embedding"})
                .code,
            0);
  ASSERT_EQ(work_once().code, 0);
  ASSERT_EQ(run_embedd({"vectorizer", "change", "notes", "--text", "{body}"}).code, 0);
  sql("CREATE TABLE notes_3 PARTITION OF notes FOR VALUES IN (3)");
  sql("INSERT INTO notes VALUES (21, 3, 'title 21', 'body 21')");
  ASSERT_EQ(work_once().code, 0);
  const auto wrong = [&](const std::string& text, const std::string& column) {
    return wrong_rows(fmt::format("SELECT id, {}, {}::text FROM notes", text, column));
  };
  EXPECT_EQ(wrong("title", "embedding"), "");
  EXPECT_EQ(wrong("body", "embedding_next"), "");
  const Finished switched = run_embedd({"vectorizer", "switch", "notes"});
  ASSERT_EQ(switched.code, 0) << switched.error_output;
  sql("CREATE TABLE notes_4 (LIKE notes INCLUDING ALL)");
  sql("ALTER TABLE notes ATTACH PARTITION notes_4 FOR VALUES IN (4)");
  sql("INSERT INTO notes VALUES (22, 4, 'title 22', 'body 22')");
  sql("UPDATE notes SET title = 'new title', body = 'new body' WHERE id IN (3, 4)");
  sql("DELETE FROM notes WHERE id = 5");
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong("body", "embedding"), "");
  EXPECT_EQ(wrong("title", "embedding_old"), "");
  ASSERT_EQ(run_embedd({"vectorizer", "switch", "notes", "--back"}).code, 0);
  EXPECT_EQ(wrong("title", "embedding"), "");
  ASSERT_EQ(run_embedd({"vectorizer", "change", "notes", "--cancel"}).code, 0);
  sql("UPDATE notes SET title = 'newer title' WHERE id = 22");
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong("title", "embedding"), "");
  const Finished check = run_embedd({"check"});
  EXPECT_EQ(check.code, 0) << check.output << check.error_output;
}

TEST_F(Successors, OfPartitionedTablesMayBeStores) {
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  sql("CREATE TABLE notes (id bigint, day int, title text, body text, PRIMARY KEY (id, day)) PARTITION BY "
      "LIST (day)");
  for (const char* day : {"1", "2"})
    sql(fmt::format("CREATE TABLE notes_{0} PARTITION OF notes FOR VALUES IN ({0})", day));
  sql("INSERT INTO notes SELECT i, 1 + i % 2, 'title ' || i, 'First of ' || i || repeat(' and so on', 6) || "
      "E'.\n\nSecond of ' || i || "
      "'.' "
      "FROM generate_series(1, 20) i");
  ASSERT_EQ(
      run_embedd({"vectorizer", "create", "notes", "--table", "notes", "--text", "{body}", "--store",
                  "--chunk", "recursive:24", "--chunk-template", "{title}: {chunk}", "--dimensions", "8"})
          .code,
      0);
  ASSERT_EQ(work_once().code, 0);
  const auto wrong = [&](const std::string& store, const std::string& sent) {
    return wrong_rows(
        fmt::format("SELECT id, {}, s.embedding::text FROM {} s JOIN notes USING (id, day)", sent, store));
  };
  EXPECT_GT(number("SELECT count(*) FROM notes_embedding_store"), 20);
  EXPECT_EQ(wrong("notes_embedding_store", "title || ': ' || chunk"), "");
  const Finished verified = run_embedd({"vectorizer", "verify", "notes", "--sample", "50"});
  EXPECT_EQ(verified.code, 0) << verified.output << verified.error_output;
  EXPECT_THAT(verified.output, HasSubstr("cosine 1.0000"));

  ASSERT_EQ(run_embedd({"vectorizer", "change", "notes", "--chunk", "recursive:64"}).code, 0);
  ASSERT_EQ(work_once().code, 0);
  const Finished switched = run_embedd({"vectorizer", "switch", "notes"});
  ASSERT_EQ(switched.code, 0) << switched.error_output;
  EXPECT_EQ(number("SELECT count(*) FROM notes_embedding_store"), 20);
  sql("UPDATE notes SET title = 'another title' WHERE id = 7");
  sql("DELETE FROM notes WHERE id = 8");
  ASSERT_EQ(work_once().code, 0);
  for (const char* store : {"notes_embedding_store", "notes_embedding_store_old"})
    EXPECT_EQ(wrong(store, "title || ': ' || chunk"), "") << store;
  EXPECT_EQ(number("SELECT count(*) FROM notes_embedding_store"), 19);
  sql("UPDATE notes_embedding_store SET embedding = '[1,2,3,4,5,6,7,8]' WHERE id = 9");
  sql("DELETE FROM embedd.queue_3");
  EXPECT_EQ(run_embedd({"vectorizer", "verify", "notes", "--sample", "50"}).code, 3);
}

TEST_F(Successors, CanBeComparedAndVectorsVerified) {
  declare(40);
  EXPECT_THAT(run_embedd({"vectorizer", "compare", "docs"}).error_output, HasSubstr("no successor"));
  ASSERT_EQ(change().code, 0);
  ASSERT_EQ(work_once().code, 0);
  const std::uint64_t before = provider.stats().inputs;
  const Finished sampled = run_embedd({"vectorizer", "compare", "docs", "--sample", "20"});
  EXPECT_EQ(sampled.code, 0) << sampled.error_output;
  EXPECT_THAT(sampled.output, HasSubstr("of the 10 nearest rows are the same"));
  EXPECT_EQ(provider.stats().inputs, before) << "rows are asked with their own vectors";
  files.write("queries", "first question\n\nsecond question\n");
  const Finished asked =
      run_embedd({"vectorizer", "compare", "docs", "--queries", files.file("queries"), "--json"});
  EXPECT_EQ(asked.code, 0) << asked.error_output;
  EXPECT_THAT(asked.output, HasSubstr("\"query\":\"second question\",\"common\":"));
  EXPECT_EQ(provider.stats().inputs - before, 4u);

  const Finished verified = run_embedd({"vectorizer", "verify", "docs", "--sample", "10"});
  EXPECT_EQ(verified.code, 0) << verified.error_output;
  EXPECT_THAT(verified.output,
              HasSubstr("10 of 10 vectors embedded again by text-embedding-3-small: cosine 1.0000"));
  EXPECT_EQ(provider.stats().inputs - before, 14u);
  sql("UPDATE docs SET embedding = '[1,2,3,4,5,6,7,8]' WHERE slug = 'doc-3'");
  sql("DELETE FROM embedd.queue_1");
  const Finished other = run_embedd({"vectorizer", "verify", "docs", "--sample", "100"});
  EXPECT_EQ(other.code, 3);
  EXPECT_THAT(other.output, HasSubstr(R"({"slug": "doc-3"})"));
}

TEST(SuccessorsUnderAWorker, AreNoticedByEachOfItsStatements) {
  QueueFixture fixture(
      "CREATE TABLE notes (id bigint PRIMARY KEY, body text, title text, embedding vector(3))",
      {.name = "notes", .table = "notes", .text = "{body}", .column = "embedding"});
  run(fixture.db(), "INSERT INTO notes SELECT i, 'body ' || i, 'title ' || i FROM generate_series(1, 3) i");
  const std::vector<Job> held = fixture.claim(2);
  ASSERT_EQ(held.size(), 2u);
  const auto living = schema::find_vectorizer(fixture.db(), "notes");
  const auto spec = schema::successor_spec(*living, {.text = "{title}"});
  ASSERT_TRUE(schema::begin_change(fixture.db(), *living, *spec));
  run(fixture.db(), "UPDATE embedd.vectorizers SET walked_at = now()");
  ASSERT_TRUE(schema::switch_vectorizer(fixture.db(), "notes", {.back = false, .incomplete = true}));
  // This worker has not polled since.
  EXPECT_FALSE(fixture.try_settle(fixture.completion(held)))
      << "the column of that name is another vectorizer's by now";
  EXPECT_FALSE(fixture.try_claim(fixture.queue()));
  EXPECT_EQ(value_of(fixture.db(),
                     "SELECT count(*) FROM notes WHERE embedding IS NOT NULL OR embedding_old IS "
                     "NOT NULL"),
            "0");
}

}  // namespace
}  // namespace embedd::test
