// What a provider can do to a worker: refuse, stall, lie. Rows end right, and none is blamed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

class ProviderFaults : public WorkerTest {
 protected:
  void start() {
    declare_docs();
    worker = std::make_unique<Embedd>(start_worker());
  }
  /// Rows whose try was charged to them, ever.
  double charged() const {
    double sum = 0;
    for (const char* kind :
         {"rejected", "invalid_answer", "too_large", "invalid_argument", "unavailable", "rate_limited",
          "quota_exhausted", "unauthenticated", "canceled", "misconfigured"})
      sum += worker->metric(fmt::format("embedd_attempts_failed_total{{kind=\"{}\"}}", kind));
    return sum;
  }
  /// Adds rows, answers the next request as given and tells the truth from then on.
  void survives(const std::string& name, Answer answer, int times = 1) {
    SCOPED_TRACE(name);
    provider.answers_next(times, std::move(answer));
    add_docs(20, name);
    ASSERT_TRUE(eventually([this] { return all_right(); }, seconds(90))) << wrong_docs() << worker->log();
    EXPECT_TRUE(wait_until_idle());
    EXPECT_EQ(dead_letters(), 0);
    EXPECT_EQ(charged(), 0);
    EXPECT_TRUE(worker->running());
  }
  std::unique_ptr<Embedd> worker;
};

TEST_F(ProviderFaults, RetryAfterIsHonoured) {
  start();
  provider.answers_next(1, Answer::error(429, "rate_limit_exceeded", "slow down").with("retry-after", "3"));
  add_docs(4);  // one request
  ASSERT_TRUE(provider.wait_for([](const auto& stats) { return stats.requests >= 1; }, seconds(60)))
      << worker->log();
  const auto refused_at = std::chrono::steady_clock::now();
  ASSERT_TRUE(provider.wait_for([](const auto& stats) { return stats.requests >= 2; }, seconds(60)))
      << worker->log();
  // A second less than asked for allows for our own lateness in seeing the first.
  EXPECT_GT(std::chrono::steady_clock::now() - refused_at, seconds(2));
  ASSERT_TRUE(wait_until_idle()) << worker->log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(charged(), 0);
  EXPECT_EQ(worker->metric("embedd_rate_limited_total{endpoint=\"openai\"}"), 1);
}

TEST_F(ProviderFaults, RateLimitsAreKeptToTheEnd) {
  start();
  // A minute's tokens at once and then 300 a second: some 5 s for what is more than that.
  provider.set_rate_limits(0, 18'000);
  add_docs(1500);
  ASSERT_TRUE(wait_until_idle(seconds(200))) << worker->log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_GT(provider.stats().tokens, 18'000u);
  EXPECT_EQ(provider.stats().repeated_texts, 0u);
  EXPECT_EQ(charged(), 0);
  EXPECT_EQ(dead_letters(), 0);
}

TEST_F(ProviderFaults, RefusalsThatAreNobodysFaultBlameNoRow) {
  start();
  survives("http-500", Answer::error(500, "server_error"), 2);
  survives("http-502", Answer::raw(502, "<html>bad gateway</html>"));
  survives("http-503", Answer::error(503, "overloaded").with("retry-after", "1"));
  survives("http-408", Answer::error(408, "timeout"));
  survives("http-409", Answer::error(409, "conflict"));
  survives("slow-down", Answer::error(429, "slow_down").with("retry-after-ms", "200"));
  survives("bare-429", Answer::raw(429, ""));
}

TEST_F(ProviderFaults, ConnectionsThatBreakBlameNoRow) {
  start();
  for (const Fault fault : {Fault::disconnect, Fault::disconnect_in_body, Fault::redirect})
    survives(std::string(name_of(fault)), Answer::broken(fault));
  EXPECT_EQ(provider.stats().redirected, 0u) << "the key goes to its own host only";
}

TEST_F(ProviderFaults, AnswersThatAreWrongAreNeverStored) {
  start();
  // Not one wrong vector may ever be seen.
  sql("CREATE TABLE seen (text text, vector text)");
  sql("GRANT INSERT ON seen TO PUBLIC");
  sql("CREATE FUNCTION watch() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "
      "INSERT INTO public.seen VALUES (new.title || chr(10) || new.body, new.embedding::text); RETURN NULL; "
      "END$$");
  sql("CREATE TRIGGER watch AFTER UPDATE OF embedding ON docs FOR EACH ROW EXECUTE FUNCTION watch()");
  for (const Fault fault :
       {Fault::short_count, Fault::long_count, Fault::no_data, Fault::duplicate, Fault::out_of_range,
        Fault::negative, Fault::ragged, Fault::nan, Fault::infinity, Fault::zeros, Fault::nulls,
        Fault::null_value, Fault::bad_base64, Fault::truncated, Fault::html, Fault::empty,
        Fault::error_in_200, Fault::not_json})
    survives(std::string(name_of(fault)), Answer::broken(fault));
  EXPECT_EQ(number("SELECT count(*) FROM seen"), number("SELECT count(*) FROM docs"))
      << "each row was written once";
}

TEST_F(ProviderFaults, AnswersThatAreOddButRightAreTakenAtOnce) {
  start();
  for (const Fault fault : {Fault::floats, Fault::base64, Fault::reversed, Fault::no_index,
                            Fault::zero_index_gone, Fault::no_usage, Fault::pretty, Fault::byte_order_mark})
    survives(std::string(name_of(fault)), Answer::broken(fault));
  EXPECT_EQ(provider.stats().inputs, 8u * 20) << "each is asked for once";
  EXPECT_EQ(provider.stats().repeated_texts, 0u);
}

TEST_F(ProviderFaults, AServerOfSmallerBatchesIsLearned) {
  start();
  provider.set_max_inputs(32);
  add_docs(300);
  ASSERT_TRUE(wait_until_idle(seconds(120))) << worker->log();
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(dead_letters(), 0);
  EXPECT_EQ(charged(), 0);
}

TEST_F(ProviderFaults, AModelThatDoesNotExistPausesTheVectorizerAndKeepsItsRows) {
  start();
  provider.answers_always(Answer::error(404, "model_not_found", "The model does not exist"));
  add_docs(20);
  ASSERT_TRUE(worker->wait_for_log("\"event\":\"vectorizer_resting\"")) << worker->log();
  ASSERT_TRUE(eventually([&] { return leases() == 0; }));
  EXPECT_EQ(jobs(), 20);
  EXPECT_EQ(charged(), 0);
  provider.answers_always(std::nullopt);
  EXPECT_TRUE(wait_until_idle(seconds(90))) << worker->log();
  EXPECT_EQ(wrong_docs(), "");
}

TEST_F(ProviderFaults, ManyPoisonRowsStayAlone) {
  start();
  provider.poisons("POISON", Answer::error(400, "invalid_value", "bad content"));
  sql("INSERT INTO docs (slug, title, body) SELECT 'p-' || i, 'title ' || i, CASE WHEN i % 50 = 0 THEN "
      "'POISON ' ELSE 'fine ' END || i "
      "FROM generate_series(1, 500) i");
  ASSERT_TRUE(wait_until_idle(seconds(120))) << worker->log();
  EXPECT_EQ(dead_letters(), 10);
  EXPECT_EQ(value("SELECT count(*) FROM docs WHERE embedding IS NULL AND body LIKE 'POISON%'"), "10");
  EXPECT_EQ(value("SELECT count(*) FROM docs WHERE embedding IS NULL"), "10");
  EXPECT_EQ(provider.stats().repeated_texts, 0u) << "nobody's neighbour was paid for twice";
}

}  // namespace
}  // namespace embedd::test
