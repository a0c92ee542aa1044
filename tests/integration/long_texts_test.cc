// What becomes of texts that are longer than the model takes.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/job.h"
#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

class LongTexts : public WorkerTest {
 protected:
  /// Declares docs with this policy, and adds a short text and one of some 40,000 tokens.
  void embed(const std::string& policy) {
    declare_docs();
    sql(fmt::format("CREATE TABLE papers (slug text PRIMARY KEY, body text, embedding vector({}))",
                    kDimensions));
    const Finished created = run_embedd({"vectorizer", "create", "papers", "--table", "papers", "--text",
                                         "{body}", "--column", "embedding", "--long-texts", policy});
    ASSERT_EQ(created.code, 0) << created.error_output;
    sql("INSERT INTO papers VALUES ('short', 'a short text'), ('long', repeat('x1 q9 ', 10000))");
  }
  /// A number of the answer of `embedd estimate papers --json`.
  std::int64_t estimate(const std::string& field) {
    const std::string json = run_embedd({"estimate", "papers", "--json"}).output;
    const std::string key = "\"" + field + "\":";
    const std::size_t at = json.find(key);
    EXPECT_NE(at, std::string::npos) << json;
    return at == std::string::npos ? -1 : std::stoll(json.substr(at + key.size()));
  }
};

/// Of the scripted provider's tokens nothing is known here: what is estimated is told apart by its size.
TEST_F(LongTexts, AreEstimatedAsTheyWillBeBilled) {
  constexpr std::int64_t kLongest = 8191, kShortText = 10;
  embed("truncate");
  EXPECT_EQ(estimate("rows"), 2);
  EXPECT_EQ(estimate("too_long"), 1);
  EXPECT_GT(estimate("tokens"), kLongest);
  EXPECT_LT(estimate("tokens"), kLongest + kShortText);
  sql("UPDATE embedd.vectorizers SET long_texts = 'average' WHERE name = 'papers'");
  EXPECT_GT(estimate("tokens"), 30'000);
  EXPECT_THAT(run_embedd({"estimate", "papers"}).output, testing::HasSubstr("embedded in pieces"));
  sql("UPDATE embedd.vectorizers SET long_texts = 'discard' WHERE name = 'papers'");
  EXPECT_LT(estimate("tokens"), kShortText);
  EXPECT_EQ(work_once().code, 3);
  EXPECT_EQ(dead_letters(), 1);
  EXPECT_EQ(estimate("rows"), 0) << "a dead letter is not to come";
  EXPECT_EQ(estimate("tokens"), 0);
  run_embedd({"dead", "retry", "papers"});
  EXPECT_EQ(estimate("rows"), 1);
}

TEST_F(LongTexts, AreEmbeddedInPiecesWhereTheirMeanIsWanted) {
  embed("average");
  const Finished run = work_once();
  EXPECT_EQ(run.code, 0) << run.error_output;
  EXPECT_GE(provider.stats().inputs, 3U);
  EXPECT_EQ(value("SELECT round(vector_norm(embedding)::numeric, 3) FROM papers WHERE slug = 'long'"),
            "1.000");
}

TEST_F(LongTexts, AreDeadLettersWhereNoPartOfThemIsWanted) {
  embed("discard");
  const Finished run = work_once();
  EXPECT_EQ(run.code, 3) << run.error_output;
  EXPECT_EQ(provider.stats().inputs, 1U);
  EXPECT_EQ(value("SELECT kind FROM embedd.dead_letters"), "too_large");
  EXPECT_EQ(value("SELECT embedding IS NOT NULL FROM papers WHERE slug = 'short'"), "t");
}

TEST_F(LongTexts, AreCutOtherwise) {
  embed("truncate");
  const Finished run = work_once();
  EXPECT_EQ(run.code, 0) << run.error_output;
  EXPECT_EQ(provider.stats().inputs, 2U);
}

TEST_F(LongTexts, AreEstimatedAsTheyWillBeTreated) {
  embed("average");
  const auto estimate = [this] { return run_embedd({"estimate", "papers"}).output; };
  const auto say = [this](const std::string& policy) {
    sql(fmt::format("UPDATE embedd.vectorizers SET long_texts = '{}' WHERE name = 'papers'", policy));
  };
  EXPECT_THAT(estimate(),
              testing::HasSubstr("1 texts are longer than the model takes, and are embedded in pieces"));
  say("discard");
  EXPECT_THAT(estimate(), testing::HasSubstr("and become dead letters\n"));
  EXPECT_THAT(estimate(), testing::HasSubstr("tokens  3\n")) << "they cost nothing";
  say("truncate");
  EXPECT_THAT(estimate(), testing::HasSubstr("and are cut\n"));
}

/// 201 texts of 757 tokens, by the provider's count, before a model that takes 256 and says so.
class LongTextsAtASmallModel : public WorkerTest, public testing::WithParamInterface<std::string> {
 protected:
  void declare(const std::string& policy) {
    provider.set_max_input_tokens(256);
    declare_docs();
    sql(fmt::format("CREATE TABLE papers (id int PRIMARY KEY, body text, embedding vector({}))",
                    kDimensions));
    const Finished created = run_embedd({"vectorizer", "create", "papers", "--table", "papers", "--text",
                                         "{body}", "--column", "embedding", "--long-texts", policy, "--model",
                                         GetParam(), "--dimensions", std::to_string(kDimensions)});
    ASSERT_EQ(created.code, 0) << created.error_output;
    sql("INSERT INTO papers SELECT i, left(repeat(format('row %s has words. ', i), 300), 3028) "
        "FROM generate_series(1, 201) i");
  }
};

TEST_P(LongTextsAtASmallModel, AreCutBeforeTheyAreAskedFor) {
  declare("truncate");
  const Finished run = work_once();
  EXPECT_EQ(run.code, 0) << run.error_output;
  EXPECT_EQ(number("SELECT count(*) FROM papers WHERE embedding IS NULL"), 0);
  EXPECT_LE(provider.stats().statuses[400], 6U);
  EXPECT_LE(provider.stats().requests, 201U);
}

TEST_P(LongTextsAtASmallModel, AreDeadLettersWhereNoPartOfThemIsWanted) {
  declare("discard");
  const Finished run = work_once();
  EXPECT_EQ(run.code, 3) << run.error_output;
  EXPECT_EQ(dead_letters(), 201);
  EXPECT_LE(provider.stats().requests, 201U + 6);
}

INSTANTIATE_TEST_SUITE_P(WhoseTokens, LongTextsAtASmallModel,
                         testing::Values("some-model", "text-embedding-3-small"), [](const auto& model) {
                           return model.param == "some-model" ? "AreNotKnown" : "AreCountedHere";
                         });

}  // namespace
}  // namespace embedd::test
