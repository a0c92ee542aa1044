// Stores that exist before their vectorizer, in the layout that pgai's vectorizers make: which rows' chunks
// are kept, and what becomes of the others.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/expected_vector.h"
#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;

class ExistingStores : public WorkerTest {
 protected:
  ExistingStores() {
    sql("CREATE EXTENSION IF NOT EXISTS vector");
    sql("CREATE TABLE articles (id bigint PRIMARY KEY, title text, body text)");
    sql("CREATE TABLE articles_emb (embedding_uuid uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY, id "
        "bigint "
        "NOT NULL, chunk_seq int NOT NULL, chunk text NOT NULL, embedding vector(8) NOT NULL, UNIQUE (id, "
        "chunk_seq))");
    EXPECT_EQ(run_embedd({"migrate"}).code, 0);
  }

  void write(int id, const std::string& body) {
    run(db,
        "INSERT INTO articles VALUES ($1, 'Title', nullif($2, '')) ON CONFLICT (id) DO UPDATE SET body = "
        "excluded.body",
        {std::to_string(id), body});
  }

  /// What another tool has stored.
  void store(int id, int seq, const std::string& chunk) {
    run(db, "INSERT INTO articles_emb (id, chunk_seq, chunk, embedding) VALUES ($1, $2, $3, $4)",
        {std::to_string(id), std::to_string(seq), chunk,
         fmt::format("[{}]", fmt::join(expected_vector(chunk, kDimensions), ","))});
  }

  Finished create(const std::vector<std::string>& more = {"--adopt-existing"}) {
    std::vector<std::string> arguments = {"vectorizer",   "create",  "articles",    "--table",
                                          "articles",     "--text",  "{body}",      "--store",
                                          "articles_emb", "--chunk", "recursive:32"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_embedd(arguments);
  }

  void refuses(const std::string& why) {
    const Finished refused = create();
    EXPECT_EQ(refused.code, 2);
    EXPECT_THAT(refused.error_output, HasSubstr(why));
    EXPECT_EQ(number("SELECT count(*) FROM embedd.vectorizers"), 0);
  }

  std::uint64_t bought() {
    const std::uint64_t before = provider.stats().inputs;
    const Finished once = work_once();
    EXPECT_EQ(once.code, 0) << once.error_output;
    return provider.stats().inputs - before;
  }

  std::string wrong() {
    return wrong_rows("SELECT id || '/' || chunk_seq, chunk, embedding::text FROM articles_emb");
  }
  std::string keys() {
    return value("SELECT string_agg(DISTINCT id::text, ',' ORDER BY id::text) FROM articles_emb");
  }
};

TEST_F(ExistingStores, AreRefusedUnlessTheyAreToBeAdopted) {
  const Finished refused = create({});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.error_output, HasSubstr("--adopt-existing"));
  EXPECT_EQ(
      value("SELECT count(*) FROM pg_attribute WHERE attrelid = 'articles_emb'::regclass AND attnum > 0"),
      "5");
}

TEST_F(ExistingStores, KeepWhatIsWholeAndHaveTheRestEmbedded) {
  for (int id = 1; id <= 3; ++id) {
    write(id, fmt::format("First of {}. Second of {}.", id, id));
    store(id, 0, fmt::format("First of {}.", id));
    store(id, 1, fmt::format(" Second of {}.", id));
  }
  write(4, "A chunk of four is missing.");
  store(4, 0, "A chunk");
  store(4, 2, "is missing.");
  write(5, "Five has none.");
  write(6, "");
  store(6, 0, "Six had a text once.");
  store(99, 0, "There is no row of this key.");
  sql("CREATE TABLE before AS SELECT * FROM articles_emb WHERE id <= 3");

  const Finished created = create();
  ASSERT_EQ(created.code, 0) << created.error_output;
  EXPECT_THAT(created.error_output, HasSubstr("the chunks of 3 rows are kept"));
  EXPECT_THAT(created.error_output, HasSubstr("1 rows have chunks that are not trusted"));
  EXPECT_THAT(run_embedd({"estimate", "articles"}).output, HasSubstr("rows    2\n"));
  EXPECT_EQ(bought(), 2u);
  EXPECT_EQ(provider.times_embedded("A chunk of four is missing."), 1u);
  EXPECT_EQ(provider.times_embedded("Five has none."), 1u);
  EXPECT_EQ(keys(), "1,2,3,4,5") << "what no row has goes";
  EXPECT_EQ(wrong(), "");
  EXPECT_EQ(
      value("SELECT count(*) FROM before b JOIN articles_emb s USING (embedding_uuid, id, chunk_seq, chunk) "
            "WHERE b.embedding = s.embedding AND s.model_id = 'text-embedding-3-small'"),
      "6");
  sql("UPDATE embedd.vectorizers SET walked_at = NULL");
  EXPECT_EQ(bought(), 0u) << "a second walk compares all of them";
}

TEST_F(ExistingStores, FollowTheirRowsFromThenOn) {
  for (int id = 1; id <= 4; ++id) {
    write(id, fmt::format("Old text of {}. More of it.", id));
    store(id, 0, fmt::format("Old text of {}.", id));
    store(id, 1, " More of it.");
  }
  ASSERT_EQ(create().code, 0);
  ASSERT_EQ(bought(), 0u);
  write(1, "New text.");
  sql("DELETE FROM articles WHERE id = 2");
  sql("UPDATE articles SET id = 30 WHERE id = 3");
  EXPECT_EQ(bought(), 1u);
  EXPECT_EQ(keys(), "1,30,4");
  EXPECT_EQ(value("SELECT string_agg(chunk || '=' || model_version, ',') FROM articles_emb WHERE id = 1"),
            "New text.=text-embedding-3-small");
  EXPECT_EQ(wrong(), "");
  write(5, " More of it.");
  EXPECT_EQ(bought(), 0u) << "a chunk that stands in the store already";
  sql("UPDATE articles_emb SET embedding = '[9,9,9,9,9,9,9,9]' WHERE id = 4 AND chunk_seq = 0");
  EXPECT_EQ(bought(), 1u) << "a vector that somebody else wrote";
  EXPECT_EQ(wrong(), "");
  const Finished found = run_embedd({"search", "articles", "New text.", "-k", "1", "--json"});
  EXPECT_THAT(found.output, HasSubstr("\"key\":{\"id\": 1}")) << found.error_output;
  const Finished older = run_embedd({"search", "articles", "Old text of 3.", "-k", "1", "--json"});
  EXPECT_THAT(older.output, HasSubstr("\"key\":{\"id\": 30}")) << older.error_output;
}

TEST_F(ExistingStores, OfAnotherModelAreNotTrusted) {
  for (int id = 1; id <= 3; ++id) {
    write(id, fmt::format("Text of {}.", id));
    store(id, 0, fmt::format("Text of {}.", id));
  }
  sql("ALTER TABLE articles_emb ADD COLUMN model_id varchar(40)");
  sql("UPDATE articles_emb SET model_id = CASE id WHEN 1 THEN 'text-embedding-3-small' WHEN 2 THEN 'another' "
      "END");
  ASSERT_EQ(create().code, 0);
  EXPECT_EQ(bought(), 2u);
  EXPECT_EQ(provider.times_embedded("Text of 1."), 0u);
  ASSERT_EQ(run_embedd({"vectorizer", "drop", "articles"}).code, 0);
  sql("UPDATE articles_emb SET model_id = NULL WHERE id = 1");
  sql("UPDATE articles_emb SET model_id = 'another' WHERE id = 2");
  ASSERT_EQ(create({"--adopt-existing", "--trust-all"}).code, 0);
  EXPECT_EQ(bought(), 1u);
  EXPECT_EQ(wrong(), "");
}

TEST_F(ExistingStores, OfADroppedVectorizerCostNothing) {
  sql("DROP TABLE articles_emb");
  for (int id = 1; id <= 5; ++id) write(id, fmt::format("Text of {}.", id));
  ASSERT_EQ(create({"--dimensions", "8"}).code, 0);
  ASSERT_EQ(bought(), 5u);
  ASSERT_EQ(run_embedd({"vectorizer", "drop", "articles"}).code, 0);
  sql("DELETE FROM articles WHERE id = 1");
  ASSERT_EQ(create().code, 0);
  EXPECT_EQ(bought(), 0u);
  EXPECT_EQ(keys(), "2,3,4,5") << "what was deleted meanwhile goes";
  EXPECT_EQ(wrong(), "");
}

TEST_F(ExistingStores, HaveKeysOfManyColumnsAndHalfPrecision) {
  sql("DROP TABLE articles, articles_emb");
  sql("CREATE TABLE articles (tenant varchar(20) COLLATE \"C\", id int, title text, body text, PRIMARY KEY "
      "(tenant, id))");
  sql("CREATE TABLE articles_emb (id int NOT NULL, tenant varchar(20) COLLATE \"C\" NOT NULL, chunk_seq int "
      "NOT NULL, chunk "
      "text NOT NULL, embedding halfvec(8) NOT NULL, UNIQUE (chunk_seq, tenant, id))");
  sql("INSERT INTO articles VALUES ('a', 1, 'T', 'kept'), ('b', 1, 'T', 'bought')");
  sql("INSERT INTO articles_emb VALUES (1, 'a', 0, 'T kept', '[1,2,3,4,5,6,7,8]'), (2, 'a', 0, 'gone', "
      "'[1,2,3,4,5,6,7,8]')");
  const Finished created = create({"--adopt-existing", "--chunk-template", "{title} {chunk}"});
  ASSERT_EQ(created.code, 0) << created.error_output;
  EXPECT_EQ(bought(), 1u);
  EXPECT_EQ(provider.times_embedded("T bought"), 1u);
  EXPECT_EQ(value("SELECT string_agg(tenant || id || chunk, ',' ORDER BY tenant) FROM articles_emb"),
            "a1T kept,b1bought");
}

TEST_F(ExistingStores, ThatAWorkerCouldNotKeepAreRefused) {
  const auto with = [this](const char* change, const char* back, const char* why) {
    SCOPED_TRACE(change);
    sql(change);
    refuses(why);
    sql(back);
  };
  with("ALTER TABLE articles_emb DROP CONSTRAINT articles_emb_id_chunk_seq_key",
       "ALTER TABLE articles_emb ADD CONSTRAINT articles_emb_id_chunk_seq_key UNIQUE (id, chunk_seq)",
       "ADD UNIQUE (\"id\", chunk_seq)");
  with(
      "ALTER TABLE articles_emb DROP CONSTRAINT articles_emb_id_chunk_seq_key, ADD CONSTRAINT late UNIQUE "
      "(id, chunk_seq) DEFERRABLE",
      "ALTER TABLE articles_emb DROP CONSTRAINT late, ADD CONSTRAINT articles_emb_id_chunk_seq_key UNIQUE "
      "(id, chunk_seq)",
      "ADD UNIQUE (\"id\", chunk_seq)");
  with("ALTER TABLE articles_emb ALTER COLUMN id TYPE int",
       "ALTER TABLE articles_emb ALTER COLUMN id TYPE bigint",
       "key column 'id' as that table has it, bigint");
  with("ALTER TABLE articles_emb RENAME COLUMN chunk TO piece",
       "ALTER TABLE articles_emb RENAME COLUMN piece TO chunk", "needs a column chunk of type text");
  with("ALTER TABLE articles_emb ALTER COLUMN embedding TYPE vector",
       "ALTER TABLE articles_emb ALTER COLUMN embedding TYPE vector(8)", "takes vectors of any length");
  with("ALTER TABLE articles_emb ADD COLUMN page int NOT NULL", "ALTER TABLE articles_emb DROP COLUMN page",
       "a value for the column 'page'");
  with("ALTER TABLE articles_emb RENAME TO elsewhere", "ALTER TABLE elsewhere RENAME TO articles_emb",
       "there is no table");
  const Finished dimensions = create({"--adopt-existing", "--dimensions", "9"});
  EXPECT_THAT(dimensions.error_output, HasSubstr("have 8 dimensions"));
  ASSERT_EQ(create().code, 0);
  const Finished second = run_embedd({"vectorizer", "create", "more", "--table", "articles", "--text",
                                      "{title}", "--store", "articles_emb", "--adopt-existing"});
  EXPECT_EQ(second.code, 2);
  EXPECT_THAT(second.error_output, HasSubstr("the vectorizer articles fills"));
}

}  // namespace
}  // namespace embedd::test
