// `embedd check --probe`: what a worker would meet at the endpoints in use, before one runs.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Probe : public WorkerTest {
 protected:
  void SetUp() override { declare_docs(); }
  Finished probe(const Environment& changes = {}) { return run_embedd({"check", "--probe"}, changes); }
  /// Fails for `what` and says what to change.
  void expect_failure(const std::string& what, const std::string& change) {
    const Finished finished = probe();
    EXPECT_EQ(finished.code, 1) << finished.output;
    EXPECT_THAT(finished.output, AllOf(HasSubstr("FAIL probe of text-embedding-3-small at openai: "),
                                       HasSubstr(what), HasSubstr(change)));
  }
};

TEST_F(Probe, SendsNothingUnasked) {
  EXPECT_EQ(run_embedd({"check"}).code, 0);
  EXPECT_EQ(provider.stats().connections, 0U);
}

TEST_F(Probe, AsksEachModelInUseOnceAndSaysSoBefore) {
  sql(fmt::format(
      "CREATE TABLE notes (id int PRIMARY KEY, body text, embedding vector({}), other vector({}))",
      kDimensions, kDimensions));
  for (const char* column : {"embedding", "other"})
    EXPECT_EQ(run_embedd({"vectorizer", "create", fmt::format("notes-{}", column), "--table", "notes",
                          "--text", "{body}", "--column", column, "--model",
                          column[0] == 'e' ? "text-embedding-3-small" : "another"})
                  .code,
              0);
  const Finished finished = probe();
  EXPECT_EQ(finished.code, 0) << finished.output;
  EXPECT_EQ(provider.stats().requests, 2U);
  EXPECT_EQ(provider.stats().inputs, 2U);
  EXPECT_THAT(finished.error_output,
              AllOf(HasSubstr(fmt::format("sends one request of one word to {} for another, {} dimensions",
                                          provider.base_url(), kDimensions)),
                    HasSubstr("for text-embedding-3-small, ")));
  EXPECT_THAT(finished.output,
              AllOf(HasSubstr("ok   probe of another at openai: answers in "),
                    HasSubstr(fmt::format("; the key is accepted; {} dimensions, as declared; base64\n",
                                          kDimensions))));
  EXPECT_THAT(run_embedd({"check", "--probe", "--json"}).output,
              HasSubstr("{\"subject\":\"probe of another at openai\",\"verdict\":\"ok\",\"text\":\""));
}

TEST_F(Probe, SaysWhichEncodingWasTaken) {
  provider.answers_next(1, Answer::broken(Fault::floats));
  EXPECT_THAT(probe().output, HasSubstr("numbers, not base64"));
  provider.set_refused_parameter("encoding_format");
  const Finished finished = probe();
  EXPECT_EQ(finished.code, 0) << finished.output;
  EXPECT_THAT(finished.output, HasSubstr("refuses encoding_format, which is left out"));
}

TEST_F(Probe, TellsWhatWorkersHaveLearned) {
  provider.set_max_inputs(10);
  add_docs(50);
  EXPECT_EQ(work_once().code, 0);
  EXPECT_THAT(probe().output, HasSubstr("workers found that it takes 10 texts a request"));
}

TEST_F(Probe, FailsWhereAWorkerWouldRest) {
  provider.set_key("sk-another");
  expect_failure("the key is not accepted", "set OPENAI_API_KEY");
  provider.set_key("sk-test-e2e");
  provider.answers_next(1, Answer::error(404, "model_not_found", "The model `x` does not exist"));
  expect_failure("does not exist", "change --model of docs");
  provider.answers_next(1, Answer::broken(Fault::wrong_dimensions));
  expect_failure("dimensions where", "change --dimensions of docs");
  provider.answers_next(1, Answer::raw(404, "404 page not found"));
  expect_failure("404 page not found", "change base_url of [endpoint.openai]");
  provider.answers_next(1, Answer::error(429, "insufficient_quota"));
  expect_failure("insufficient_quota", "has nothing left");
  provider.answers_next(1, Answer::error(503, "overloaded"));
  expect_failure("HTTP 503", "rows wait until");
  EXPECT_EQ(probe().code, 0) << "and it goes by what is now";
}

TEST_F(Probe, DoesNotFailForARateLimit) {
  provider.answers_next(1, Answer::error(429, "rate_limit_exceeded"));
  const Finished finished = probe();
  EXPECT_EQ(finished.code, 0) << finished.output;
  EXPECT_THAT(finished.output, HasSubstr("note probe of text-embedding-3-small at openai: "));
}

TEST_F(Probe, SendsNothingWithoutAKey) {
  const Finished finished = probe({{"OPENAI_API_KEY", ""}});
  EXPECT_EQ(finished.code, 1);
  EXPECT_THAT(finished.output, Not(HasSubstr("probe of")));
  EXPECT_EQ(provider.stats().connections, 0U);
}

}  // namespace
}  // namespace embedd::test
