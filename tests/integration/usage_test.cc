// `embedd usage`, prices, and what is estimated for chunks.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class UsageTest : public WorkerTest {
 protected:
  void SetUp() override {
    declare_docs();
    sql("INSERT INTO embedd.usage (vectorizer_id, model, day, requests, rows, tokens, cost_usd, "
        "unpriced_tokens) "
        "VALUES (1, 'priced', (now() AT TIME ZONE 'UTC')::date, 1, 10, 1000, 0.5, 0), "
        "(1, 'own', (now() AT TIME ZONE 'UTC')::date, 2, 20, 2000, 0, 2000), "
        "(1, 'priced', (now() AT TIME ZONE 'UTC')::date - 10, 4, 40, 4000, 2, 0), "
        "(99, 'mixed', '2026-01-02', 8, 80, 8000, 0.25, 500)");
  }
  Finished usage(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "usage");
    return run_embedd(arguments);
  }
};

TEST_F(UsageTest, IsSummedByVectorizerAndModel) {
  const Finished all = usage({});
  EXPECT_EQ(all.code, 0) << all.error_output;
  EXPECT_EQ(all.output,
            "vectorizer  model   requests  rows  tokens  USD\n"
            "#99         mixed   8         80    8,000   0.2500 + unknown\n"
            "docs        own     2         20    2,000   unknown\n"
            "docs        priced  5         50    5,000   2.5000\n"
            "in all              15        150   15,000  2.7500 + unknown\n"
            "the price of 2,500 tokens is not known; set it in embedd.toml: [price]\n");
}

TEST_F(UsageTest, IsSummedByDaySinceSomeDay) {
  const std::string today = value("SELECT (now() AT TIME ZONE 'UTC')::date");
  EXPECT_EQ(usage({"--by", "day", "--since", "7d"}).output,
            fmt::format("day         requests  rows  tokens  USD\n"
                        "{}  3         30    3,000   0.5000 + unknown\n"
                        "in all      3         30    3,000   0.5000 + unknown\n"
                        "the price of 2,000 tokens is not known; set it in embedd.toml: [price]\n",
                        today));
  EXPECT_THAT(usage({"--by", "day,model", "--since", today}).output,
              AllOf(HasSubstr("priced"), HasSubstr("own"), Not(HasSubstr("mixed"))));
  EXPECT_THAT(usage({"--since", "2026-01-01"}).output, HasSubstr("mixed"));
}

TEST_F(UsageTest, AsJsonSaysNullWhereACostIsUnknown) {
  const std::string json = usage({"--by", "model", "--json"}).output;
  EXPECT_THAT(
      json,
      HasSubstr(
          R"({"model":"own","requests":2,"rows":20,"tokens":2000,"cost_usd":null,"unpriced_tokens":2000})"));
  EXPECT_THAT(json, HasSubstr(R"("cost_usd":0.25,"unpriced_tokens":500)"));
  EXPECT_THAT(
      json,
      HasSubstr(
          R"("total":{"requests":15,"rows":150,"tokens":15000,"cost_usd":2.75,"unpriced_tokens":2500})"));
}

TEST_F(UsageTest, SlipsAreExplained) {
  EXPECT_EQ(usage({"--by", "week"}).code, 2);
  const Finished slip = usage({"--since", "yesterdays"});
  EXPECT_EQ(slip.code, 2);
  EXPECT_THAT(slip.error_output, HasSubstr("write for example 2026-11-28 or 7d"));
  for (const char* misread : {"30", "2026", "7 days ago"})
    EXPECT_EQ(usage({"--since", misread}).code, 2) << misread;
  sql("DELETE FROM embedd.usage");
  const Finished nothing = usage({});
  EXPECT_EQ(nothing.code, 0);
  EXPECT_THAT(nothing.error_output, HasSubstr("nothing was bought"));
}

TEST_F(UsageTest, StatusSaysWhatIsUnknown) {
  EXPECT_THAT(run_embedd({"status"}).output,
              AllOf(HasSubstr("unknown"), HasSubstr("the price of 2,500 tokens is not known")));
  EXPECT_THAT(run_embedd({"status", "--json"}).output,
              HasSubstr("\"cost_usd\":null,\"unpriced_tokens\":2000"));
}

class PriceTest : public WorkerTest {
 protected:
  void price(const std::string& lines) {
    files.write("embedd.toml", lines);
    environment["EMBEDD_CONFIG"] = files.file("embedd.toml");
  }
};

TEST_F(PriceTest, OfTheConfigurationIsWhatUsageIsBookedBy) {
  price("[price]\n\"openai/text-embedding-3-small\" = 3\n");
  declare_docs();
  add_docs(10);
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(value("SELECT cost_usd = tokens * 3 / 1e6 AND unpriced_tokens = 0 FROM embedd.usage"), "t");
}

TEST_F(PriceTest, OfAnUnknownModelIsNotZero) {
  declare_docs();
  sql("UPDATE embedd.vectorizers SET model = 'own'");
  add_docs(10);
  Embedd worker = start_worker();
  ASSERT_TRUE(wait_until_idle());
  EXPECT_TRUE(eventually([&] {
    return value("SELECT cost_usd = 0 AND tokens > 0 AND unpriced_tokens = tokens FROM embedd.usage") == "t";
  }));
  EXPECT_GT(worker.metric("embedd_unpriced_tokens_total{model=\"own\"}"), 0);
  EXPECT_THAT(worker.get("/metrics"), Not(HasSubstr("embedd_cost_usd_total{model=\"own\"}")));
  EXPECT_THAT(run_embedd({"estimate", "docs"}).output,
              HasSubstr("cost    unknown: no price is known for own"));
  EXPECT_THAT(run_embedd({"estimate", "docs", "--json"}).output, HasSubstr("\"cost_usd\":null"));
}

TEST_F(PriceTest, IsRefusedIfItIsWrong) {
  for (const char* line :
       {"\"openai\" = 1", "\"openai/\" = 1", "\"/model\" = 1", "\"a/b\" = -1", "\"a/b\" = \"x\""}) {
    price(std::string("[price]\n") + line + "\n");
    const Finished refused = run_embedd({"status"});
    EXPECT_EQ(refused.code, 2) << line;
    EXPECT_THAT(refused.error_output, HasSubstr("embedd.toml:2")) << line;
  }
  price("price = 1\n");
  EXPECT_THAT(run_embedd({"status"}).error_output, HasSubstr("prices are written [price]"));
  price("[endpoint.openai]\nbudget_usd_per_day = 0\n");
  EXPECT_THAT(run_embedd({"status"}).error_output, HasSubstr("must be a number of dollars, more than 0"));
  price("[endpoint.openai]\nbudget_tokens_per_day = 0\n");
  EXPECT_THAT(run_embedd({"status"}).error_output, HasSubstr("must be a whole number of at least 1"));
}

class EstimateTest : public WorkerTest {};

TEST_F(EstimateTest, OfAStoreIsWhatItsChunksCost) {
  sql("CREATE EXTENSION IF NOT EXISTS vector");
  sql("CREATE TABLE articles (id bigint PRIMARY KEY, title text, body text)");
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  const Finished created = run_embedd({"vectorizer", "create", "articles", "--table", "articles", "--text",
                                       "{body}", "--dimensions", std::to_string(kDimensions), "--store",
                                       "--chunk", "recursive:32", "--chunk-template", "{title}: {chunk}"});
  ASSERT_EQ(created.code, 0) << created.error_output;
  for (int i = 1; i <= 5; ++i) {
    std::string body;
    for (int p = 0; p < 4; ++p)
      body += fmt::format(
          "Paragraph {} of article {} is about many things, each of which takes some words.\n\n", p, i);
    run(db, "INSERT INTO articles VALUES ($1::bigint, 'Article', $2)", {std::to_string(i), body});
  }
  const Finished estimate = run_embedd({"estimate", "articles", "--json"});
  ASSERT_EQ(work_once().code, 0);
  const std::string chunks = value("SELECT count(*) FROM articles_embedding_store");
  EXPECT_GT(std::stoi(chunks), 5);
  EXPECT_THAT(estimate.output, AllOf(HasSubstr("\"rows\":5,\"chunks\":" + chunks + ","),
                                     HasSubstr("\"tokens\":420,\"tokens_exact\":true")));
  EXPECT_THAT(run_embedd({"estimate", "articles"}).output, HasSubstr("rows    0\nchunks  0\ntokens  0\n"));
  run(db, "UPDATE articles SET body = body || 'One more paragraph of it.' WHERE id = 1");
  EXPECT_THAT(run_embedd({"estimate", "articles"}).output,
              AllOf(HasSubstr("rows    1\n"), HasSubstr("tokens  at most ")));
}

}  // namespace
}  // namespace embedd::test
