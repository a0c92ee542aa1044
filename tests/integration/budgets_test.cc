// Budgets of a day: `vectorizer create --budget-…`, `vectorizer budget`, and those of endpoints in
// embedd.toml.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "support/serve_fixture.h"
#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class BudgetTest : public WorkerTest {
 protected:
  /// The vectorizer docs with these flags; its price is in embedd.toml.
  void declare(const std::vector<std::string>& flags, const std::string& toml = "") {
    files.write("embedd.toml", "[price]\n\"openai/text-embedding-3-small\" = 1.0\n" + toml);
    environment["EMBEDD_CONFIG"] = files.file("embedd.toml");
    create_docs();
    ASSERT_EQ(run_embedd({"migrate"}).code, 0);
    std::vector<std::string> create{"vectorizer",
                                    "create",
                                    "docs",
                                    "--table",
                                    "docs",
                                    "--text",
                                    "{title}\\n{body}",
                                    "--column",
                                    "embedding",
                                    "--model-id-column",
                                    "embedding_model_id",
                                    "--model-version-column",
                                    "embedding_model_version"};
    create.insert(create.end(), flags.begin(), flags.end());
    const Finished created = run_embedd(create);
    ASSERT_EQ(created.code, 0) << created.error_output;
  }
  std::int64_t spent() {
    return number("SELECT coalesce(max(tokens), 0) FROM embedd.spending WHERE budget_of = 'vectorizer 1'");
  }
  std::int64_t missing() { return number("SELECT count(*) FROM docs WHERE embedding IS NULL"); }
  std::string status(bool json = false) {
    return run_embedd(json ? std::vector<std::string>{"status", "--json"}
                           : std::vector<std::string>{"status"})
        .output;
  }
  bool status_says(const std::string& what) {
    return eventually([&] { return status().contains(what); });
  }
  Finished budget(const std::vector<std::string>& change) {
    std::vector<std::string> arguments{"vectorizer", "budget", "docs"};
    arguments.insert(arguments.end(), change.begin(), change.end());
    return run_embedd(arguments);
  }
  /// Midnight passes, for all that is counted by days.
  void next_day() {
    sql("UPDATE embedd.spending SET day = day - 1");
    sql("UPDATE embedd.usage SET day = day - 1");
  }
};

TEST_F(BudgetTest, IsNotOverspentAndGoesOnWhenItIsRaised) {
  declare({"--budget-tokens-per-day", "300"});
  add_docs(200);
  Embedd worker = start_worker();
  ASSERT_TRUE(worker.wait_for_log("\"event\":\"budget_spent\"")) << worker.log();
  EXPECT_LE(provider.stats().tokens, 300U);
  EXPECT_GE(provider.stats().tokens, 250U);
  EXPECT_TRUE(
      status_says("docs waits: budget_spent, say 1 of 1 workers: its budget of 300 tokens a day is spent"))
      << status();
  EXPECT_THAT(status(true), HasSubstr(R"("budget":{"usd_per_day":null,"tokens_per_day":300,"spent":true})"));
  EXPECT_EQ(worker.metric("embedd_budget_spent{vectorizer=\"docs\"}"), 1);
  const std::int64_t before = missing();
  EXPECT_GT(before, 0);
  sql("INSERT INTO docs (slug, title, body) VALUES ('late', 'a', 'b')");
  ASSERT_TRUE(eventually([&] { return jobs() == before + 1; }));
  EXPECT_EQ(missing(), before + 1);
  EXPECT_EQ(worker.logged("\"event\":\"budget_spent\""), 1) << "not at each poll";
  EXPECT_EQ(number("SELECT coalesce(max(attempt), 0) FROM embedd.queue_1"), 0);
  EXPECT_EQ(dead_letters(), 0);

  const Finished raised = budget({"--tokens-per-day", "100000"});
  EXPECT_EQ(raised.output, "docs: 100000 tokens a day\n") << raised.error_output;
  ASSERT_TRUE(wait_until_idle()) << worker.log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_TRUE(worker.wait_for_log("\"event\":\"budget_open\""));
  EXPECT_EQ(worker.metric("embedd_budget_spent{vectorizer=\"docs\"}"), 0);
  EXPECT_THAT(status(), Not(HasSubstr("budget_spent")));
}

TEST_F(BudgetTest, GoesOnTheNextDay) {
  declare({"--budget-tokens-per-day", "200"});
  add_docs(120);
  Embedd worker = start_worker();
  ASSERT_TRUE(worker.wait_for_log("\"event\":\"budget_spent\"")) << worker.log();
  const std::int64_t before = missing();
  next_day();
  EXPECT_TRUE(eventually([&] { return missing() < before; })) << worker.log();
}

TEST_F(BudgetTest, IsKeptByAllWorkersTogether) {
  declare({"--budget-tokens-per-day", "2000"});
  add_docs(1500);
  std::vector<Embedd> workers;
  for (int i = 0; i < 3; ++i) workers.push_back(start_worker());
  for (Embedd& worker : workers)
    ASSERT_TRUE(worker.wait_for_log("\"event\":\"budget_spent\"")) << worker.log();
  EXPECT_LE(provider.stats().tokens, 2000U);
  EXPECT_GE(provider.stats().tokens, 1900U);
  EXPECT_LE(spent(), 2000);
}

TEST_F(BudgetTest, WithOnceTheWorkerEndsWithThree) {
  declare({"--budget-tokens-per-day", "100"});
  add_docs(100);
  EXPECT_EQ(work_once().code, 3);
  EXPECT_LE(provider.stats().tokens, 100U);
  EXPECT_EQ(budget({"--tokens-per-day", "none"}).output, "docs: no budget\n");
  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_docs(), "");
}

TEST_F(BudgetTest, OfAnEndpointIsInDollarsOfAllItsVectorizers) {
  declare({}, "[endpoint.openai]\nbudget_usd_per_day = 0.0003\n");  // 300 tokens at a dollar a million
  add_docs(200);
  Embedd worker = start_worker();
  ASSERT_TRUE(worker.wait_for_log("\"event\":\"budget_spent\",\"endpoint\":\"openai\"")) << worker.log();
  EXPECT_LE(provider.stats().tokens, 300U);
  EXPECT_GE(provider.stats().tokens, 250U);
  EXPECT_EQ(worker.metric("embedd_budget_spent{endpoint=\"openai\"}"), 1);
  EXPECT_TRUE(status_says("docs waits: budget_spent, say 1 of 1 workers: the budget of USD 0.0003 a day"))
      << status();
}

TEST_F(BudgetTest, CountsWhatWasBoughtOfTheDayBeforeItWasSet) {
  declare({});
  add_docs(100);
  ASSERT_EQ(work_once().code, 0);
  const auto bought = static_cast<std::int64_t>(provider.stats().tokens);
  ASSERT_TRUE(eventually([&] { return number("SELECT sum(tokens) FROM embedd.usage") == bought; }));
  EXPECT_EQ(budget({"--tokens-per-day", std::to_string(bought)}).code, 0);
  sql("UPDATE docs SET body = body || '!'");
  EXPECT_EQ(work_once().code, 3);
  EXPECT_EQ(static_cast<std::int64_t>(provider.stats().tokens), bought);
}

TEST_F(BudgetTest, OfAnEndpointCountsWhatWasBoughtWhileThereWasNone) {
  const std::string price = "[price]\n\"openai/text-embedding-3-small\" = 1.0\n";
  declare({}, "[endpoint.openai]\nbudget_tokens_per_day = 100000\n");
  add_docs(5);
  ASSERT_EQ(work_once().code, 0);
  files.write("embedd.toml", price);
  sql("UPDATE docs SET body = body || '!'");
  ASSERT_EQ(work_once().code, 0);
  const auto bought = static_cast<std::int64_t>(provider.stats().tokens);
  ASSERT_TRUE(eventually([&] { return number("SELECT sum(tokens) FROM embedd.usage") == bought; }));
  files.write("embedd.toml", price + fmt::format("[endpoint.openai]\nbudget_tokens_per_day = {}\n", bought));
  sql("UPDATE docs SET body = body || '!'");
  EXPECT_EQ(work_once().code, 3);
  EXPECT_EQ(static_cast<std::int64_t>(provider.stats().tokens), bought);
}

TEST_F(BudgetTest, InDollarsNeedsAPrice) {
  create_docs();
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  files.write("embedd.toml",
              fmt::format("[endpoint.house]\nbase_url = \"{}\"\napi_key = \"\"\n", provider.base_url()));
  environment["EMBEDD_CONFIG"] = files.file("embedd.toml");
  const std::vector<std::string> create{
      "vectorizer", "create",    "docs",       "--table", "docs",    "--text", "{title}",
      "--column",   "embedding", "--endpoint", "house",   "--model", "own",    "--budget-usd-per-day",
      "5"};
  Finished refused = run_embedd(create);
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.error_output, HasSubstr("the price of own is not known"));
  EXPECT_EQ(value("SELECT count(*) FROM embedd.vectorizers"), "0");
  ASSERT_EQ(run_embedd({create.begin(), create.end() - 2}).code, 0);
  refused = budget({"--usd-per-day", "5"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.error_output, HasSubstr("[price] \"house/own\""));
  EXPECT_EQ(budget({"--tokens-per-day", "5"}).code, 0);

  files.write(
      "embedd.toml",
      fmt::format("[price]\n\"house/own\" = 0.5\n[endpoint.house]\nbase_url = \"{}\"\napi_key = \"\"\n",
                  provider.base_url()));
  EXPECT_EQ(budget({"--usd-per-day", "5"}).output, "docs: USD 5 and 5 tokens a day\n");
  EXPECT_EQ(budget({}).output, "docs: USD 5 and 5 tokens a day\n") << "only reads";
  EXPECT_THAT(run_embedd({"vectorizer", "show", "docs"}).output, HasSubstr("USD 5 and 5 tokens a day"));
  EXPECT_THAT(run_embedd({"vectorizer", "budget", "docs", "--tokens-per-day", "none", "--json"}).output,
              HasSubstr("\"budget\":{\"usd_per_day\":5,\"tokens_per_day\":null}"));
}

TEST_F(BudgetTest, AWorkerWithoutThePriceBuysNothingAndSaysWhy) {
  declare({"--budget-usd-per-day", "5"});
  sql("UPDATE embedd.vectorizers SET model = 'unheard-of'");
  add_docs(3);
  Embedd worker = start_worker();
  ASSERT_TRUE(worker.wait_for_log("the price of unheard-of is not known")) << worker.log();
  EXPECT_TRUE(status_says("docs waits: no_price, say 1 of 1 workers")) << status();
  EXPECT_EQ(provider.stats().requests, 0U);
  EXPECT_THAT(run_embedd({"check"}).output, HasSubstr("the price of unheard-of is not known"));
}

TEST_F(BudgetTest, WrongAmountsAreRefused) {
  declare({});
  for (const std::string amount : {"0", "-1", "x", "1e"}) {
    EXPECT_EQ(budget({"--usd-per-day", amount}).code, 2) << amount;
    EXPECT_EQ(budget({"--tokens-per-day", amount}).code, 2) << amount;
  }
  EXPECT_EQ(budget({"--tokens-per-day", "1.5"}).code, 2);
  EXPECT_EQ(run_embedd({"vectorizer", "budget", "dosc", "--usd-per-day", "1"}).code, 2);
}

TEST_F(BudgetTest, GoesWithTheVectorizer) {
  declare({"--budget-tokens-per-day", "100"});
  add_docs(5);
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(number("SELECT count(*) FROM embedd.spending"), 1);
  ASSERT_EQ(run_embedd({"vectorizer", "change", "docs", "--text", "{title}"}).code, 0);
  EXPECT_EQ(value("SELECT budget_tokens_per_day FROM embedd.vectorizers WHERE name = 'docs.next'"), "100");
  ASSERT_EQ(run_embedd({"vectorizer", "change", "docs", "--cancel"}).code, 0);
  ASSERT_EQ(run_embedd({"vectorizer", "drop", "docs"}).code, 0);
  EXPECT_EQ(number("SELECT count(*) FROM embedd.spending"), 0);
}

class BudgetOfQueries : public ServeTest {};

TEST_F(BudgetOfQueries, QueriesCountAndAreNeverRefused) {
  declare_notes("english", "openai");
  add_notes(3);
  ASSERT_EQ(run_embedd({"vectorizer", "budget", "notes", "--tokens-per-day", "60"}).code, 0);
  embed_all();
  const std::int64_t before = number("SELECT tokens FROM embedd.spending WHERE budget_of = 'vectorizer 1'");
  EXPECT_GT(before, 0);
  serve();
  for (int i = 0; i < 15; ++i)
    EXPECT_EQ(search(fmt::format(R"({{"query": "the slow start of container number {}"}})", i)).status, 200);
  EXPECT_TRUE(eventually(
      [&] { return number("SELECT tokens FROM embedd.spending WHERE budget_of = 'vectorizer 1'") > 60; }));
  EXPECT_EQ(number("SELECT sum(tokens) FROM embedd.usage"),
            number("SELECT tokens FROM embedd.spending WHERE budget_of = 'vectorizer 1'"));
  sql("UPDATE notes SET body = 'another text'");
  EXPECT_EQ(work_once().code, 3) << "the queries have spent the budget";
  EXPECT_EQ(search(R"({"query": "one more query"})").status, 200);
}

}  // namespace
}  // namespace embedd::test
