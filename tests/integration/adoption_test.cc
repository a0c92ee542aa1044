// Vectors that a column holds before its vectorizer is created: what is known of them, and what becomes of
// them.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

class Adoption : public WorkerTest {
 protected:
  Finished create_docs_with(const std::vector<std::string>& more) { return declare_docs_by("create", more); }
  Finished declare_docs_by(const std::string& command, const std::vector<std::string>& more) {
    std::vector<std::string> all{"vectorizer",       command,    "docs",     "--table", "docs", "--text",
                                 "{title}\\n{body}", "--column", "embedding"};
    all.insert(all.end(), more.begin(), more.end());
    return run_embedd(all);
  }
  /// Works until nothing is due; how many texts that cost.
  std::uint64_t bought() {
    const std::uint64_t before = provider.stats().inputs;
    const Finished once = work_once();
    EXPECT_EQ(once.code, 0) << once.error_output;
    return provider.stats().inputs - before;
  }
  void drop() { ASSERT_EQ(run_embedd({"vectorizer", "drop", "docs"}).code, 0); }
  /// Ten rows with vectors of nobody knows what: 1 to 4 say that they are of our model, 5 to 7 of another,
  /// and 8 to 10 nothing.
  void fill_with_strangers_vectors() {
    create_docs();
    ASSERT_EQ(run_embedd({"migrate"}).code, 0);
    add_docs(10);
    sql("UPDATE docs SET embedding = '[1,2,3,4,5,6,7,8]', embedding_model_id = CASE WHEN n <= 4 THEN "
        "'text-embedding-3-small' WHEN n <= 7 THEN 'another' END FROM (SELECT slug AS s, split_part(slug, "
        "'-', "
        "2)::int AS n FROM docs) x WHERE slug = s");
  }
};

TEST_F(Adoption, VectorsOfAnotherModelAreEmbeddedAnew) {
  declare_docs();
  add_docs(10);
  ASSERT_EQ(bought(), 10u);
  drop();
  const Finished created = create_docs_with({"--model", "another", "--model-id-column", "embedding_model_id",
                                             "--model-version-column", "embedding_model_version"});
  ASSERT_EQ(created.code, 0) << created.error_output;
  EXPECT_THAT(created.error_output, HasSubstr("10 rows have a vector already"));
  EXPECT_THAT(run_embedd({"estimate", "docs"}).output, HasSubstr("rows    10\n"));
  EXPECT_EQ(bought(), 10u);
  EXPECT_EQ(value("SELECT string_agg(DISTINCT embedding_model_id, ',') FROM docs"), "another");
  EXPECT_EQ(wrong_docs(), "");
}

TEST_F(Adoption, TheSameDeclarationBuysOnlyWhatChangedMeanwhile) {
  declare_docs();
  add_docs(10);
  ASSERT_EQ(bought(), 10u);
  drop();
  sql("UPDATE docs SET body = 'changed' WHERE slug = 'doc-3'");
  sql("UPDATE docs SET embedding = NULL WHERE slug = 'doc-4'");
  sql("DELETE FROM docs WHERE slug = 'doc-5'");
  sql("ALTER TABLE docs RENAME COLUMN slug TO name");
  const Finished created = create_docs_with({"--json"});
  ASSERT_EQ(created.code, 0) << created.error_output;
  EXPECT_THAT(created.output, HasSubstr("\"existing_vectors\":{\"rows\":8,\"adopted\":0,\"recalled\":7,"
                                        "\"embedded_anew\":1,\"cost_usd\":"));
  sql("ALTER TABLE docs RENAME COLUMN name TO slug");
  drop();
  ASSERT_EQ(create_docs_with({"--model-id-column", "embedding_model_id", "--model-version-column",
                              "embedding_model_version"})
                .code,
            0);
  EXPECT_EQ(bought(), 2u);
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(number("SELECT count(*) FROM embedd.kept_proofs"), 0);
}

TEST_F(Adoption, AnotherDeclarationOfTheColumnForgetsWhatTheFormerKnew) {
  declare_docs();
  add_docs(10);
  ASSERT_EQ(bought(), 10u);
  drop();
  ASSERT_EQ(create_docs_with({"--model", "another"}).code, 0);
  EXPECT_EQ(number("SELECT count(*) FROM embedd.kept_proofs"), 0);
  EXPECT_EQ(value("SELECT to_regclass('embedd.ledger_1') IS NULL"), "t");
  EXPECT_EQ(bought(), 10u);
  drop();
  ASSERT_EQ(create_docs_with({}).code, 0);
  EXPECT_EQ(bought(), 10u) << "by now they are the other model's";
}

TEST_F(Adoption, WithoutBeingAskedNothingIsTrusted) {
  fill_with_strangers_vectors();
  const Finished created = create_docs_with({"--model-id-column", "embedding_model_id"});
  ASSERT_EQ(created.code, 0) << created.error_output;
  EXPECT_THAT(created.error_output, HasSubstr("10 rows have a vector already"));
  EXPECT_THAT(created.error_output, HasSubstr("for about USD 0.0000"));
  EXPECT_EQ(bought(), 10u);
}

TEST_F(Adoption, OnlyVectorsThatNameTheModelAreAdopted) {
  fill_with_strangers_vectors();
  const Finished created = declare_docs_by("adopt", {"--model-id-column", "embedding_model_id"});
  ASSERT_EQ(created.code, 0) << created.error_output;
  EXPECT_THAT(created.error_output, HasSubstr("4 vectors are adopted"));
  EXPECT_THAT(created.error_output, HasSubstr("6 rows have a vector already"));
  EXPECT_EQ(bought(), 6u);
  EXPECT_EQ(value("SELECT count(*) FROM docs WHERE embedding = '[1,2,3,4,5,6,7,8]'"), "4");
}

TEST_F(Adoption, AllAreTrustedOnlyWhereNoneNamesAnotherModel) {
  fill_with_strangers_vectors();
  const Finished refused = create_docs_with({"--adopt-existing"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.error_output, HasSubstr("--model-id-column"));
  EXPECT_THAT(refused.error_output, HasSubstr("--trust-all"));
  EXPECT_EQ(create_docs_with({"--trust-all"}).code, 2);
  ASSERT_EQ(
      create_docs_with({"--model-id-column", "embedding_model_id", "--adopt-existing", "--trust-all"}).code,
      0);
  EXPECT_EQ(bought(), 3u);
  drop();
  sql("UPDATE docs SET embedding = '[1,2,3,4,5,6,7,8]'");
  ASSERT_EQ(create_docs_with({"--adopt-existing", "--trust-all"}).code, 0);
  EXPECT_EQ(bought(), 0u);
}

TEST_F(Adoption, ARowThatIsInsertedWithAVectorIsEmbeddedAllTheSame) {
  fill_with_strangers_vectors();
  ASSERT_EQ(create_docs_with({"--adopt-existing", "--trust-all"}).code, 0);
  sql("INSERT INTO docs (slug, title, embedding) VALUES ('new', 'new', '[8,7,6,5,4,3,2,1]')");
  EXPECT_EQ(bought(), 1u);
  sql("ALTER TABLE docs DISABLE TRIGGER USER");
  sql("INSERT INTO docs (slug, title, embedding) VALUES ('unseen', 'unseen', '[8,7,6,5,4,3,2,1]')");
  sql("ALTER TABLE docs ENABLE TRIGGER USER");
  sql("UPDATE embedd.vectorizers SET walked_at = NULL");
  EXPECT_EQ(bought(), 1u);
}

TEST_F(Adoption, AKeyThatGrewIsStillKnown) {
  sql("CREATE EXTENSION IF NOT EXISTS vector");
  sql("CREATE TABLE docs (id int PRIMARY KEY, title text, body text, embedding vector(8))");
  sql("INSERT INTO docs SELECT i, 'title ' || i, 'body' FROM generate_series(1, 10) i");
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  ASSERT_EQ(create_docs_with({}).code, 0);
  ASSERT_EQ(bought(), 10u);
  drop();
  sql("ALTER TABLE docs ALTER COLUMN id TYPE bigint");
  ASSERT_EQ(create_docs_with({}).code, 0);
  EXPECT_EQ(bought(), 0u);
}

}  // namespace
}  // namespace embedd::test
