// `embedd serve` with a bad provider or database: searches by words go on and say what is missing.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "support/serve_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kHybrid = R"({"query": "slow container", "k": 2})";
constexpr const char* kVector = R"({"query": "slow container", "k": 2, "mode": "vector"})";

class ServeDegraded : public ServeTest {
 protected:
  void prepare_notes(const std::string& text_search = "english") {
    declare_notes(text_search, "openai");
    add_notes(6);
    embed_all();
  }

  /// The words still find their rows, and the answer gives `reason`; by vectors alone there is no answer.
  void expect_degraded(const std::string& reason) {
    const SearchReply words = search(kHybrid);
    EXPECT_EQ(words.status, 200) << words.body;
    EXPECT_EQ(each_hit(words.body, "/key/id"), "3 6");
    EXPECT_EQ(at(words.body, "/degraded/leg"), R"("vector")");
    EXPECT_EQ(at(words.body, "/degraded/reason"), "\"" + reason + "\"");
    EXPECT_THAT(at(words.body, "/degraded/message"), HasSubstr("only the words were searched"));
    const SearchReply none = search(kVector);
    EXPECT_EQ(none.status, 503) << none.body;
    EXPECT_EQ(at(none.body, "/type"), "\"urn:embedd:problem:" + reason + "\"");
    EXPECT_GE(std::atoi(none.header("retry-after").c_str()), 1);
    EXPECT_THAT(none.body, Not(HasSubstr("sk-test")));
  }
};

TEST_F(ServeDegraded, WithoutAKey) {
  prepare_notes();
  serve({{"OPENAI_API_KEY", ""}});
  expect_degraded("no_api_key");
  EXPECT_THAT(client->get("/metrics").body,
              HasSubstr(R"(embedd_searches_degraded_total{leg="vector",reason="no_api_key"} 1)"));
}

TEST_F(ServeDegraded, AKeyThatAppearsEndsIt) {
  prepare_notes();
  serve({{"OPENAI_API_KEY", ""}, {"OPENAI_API_KEY_FILE", files.file("key")}});
  expect_degraded("no_api_key");
  files.write("key", "sk-test-e2e\n");
  const SearchReply reply = search(kHybrid);
  EXPECT_EQ(at(reply.body, "/degraded"), "null") << reply.body;
}

TEST_F(ServeDegraded, WithAWrongKey) {
  prepare_notes();
  serve({{"OPENAI_API_KEY", "sk-test-wrong"}});
  expect_degraded("unauthenticated");
}

TEST_F(ServeDegraded, WhenTheEndpointIsDown) {
  prepare_notes();
  serve({{"OPENAI_BASE_URL", "http://127.0.0.1:1/v1"}});
  expect_degraded("unavailable");
}

TEST_F(ServeDegraded, WhenItIsRateLimitedTheServersTimeCounts) {
  prepare_notes();
  provider.answers_always(Answer::error(429, "rate_limit_exceeded").with("Retry-After", "7"));
  serve();
  expect_degraded("rate_limited");
  EXPECT_EQ(search(kVector).header("retry-after"), "7");
  const auto asked = provider.stats().requests;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(search(kHybrid).status, 200);
  EXPECT_EQ(provider.stats().requests, asked) << "nobody is asked before that time";
}

TEST_F(ServeDegraded, WhenItHangsTheWordsAreInTime) {
  prepare_notes();
  provider.answers_always(Answer::broken(Fault::hang));
  serve();
  const SearchReply reply = search(R"({"query": "slow container", "k": 2, "deadline_ms": 600})");
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(at(reply.body, "/degraded/reason"), R"("deadline")");
  EXPECT_EQ(search(R"({"query": "slow container", "mode": "vector", "deadline_ms": 300})").status, 503);
}

/// One query that waits for its provider delays no other.
TEST_F(ServeDegraded, AQueryThatWaitsBlocksNoOther) {
  prepare_notes();
  serve({{"EMBEDD_SERVE_CONNECTIONS", "1"}});
  provider.hold();
  std::thread waiting([port = port_of(*server)] {
    SearchClient other(port);
    EXPECT_EQ(
        other.post("/v1/vectorizers/notes/search", R"({"query": "river", "deadline_ms": 30000})").status,
        200);
  });
  EXPECT_TRUE(provider.wait_for([](const ProviderStats& stats) { return stats.held == 1; }));
  EXPECT_EQ(search(R"({"query": "container", "mode": "text"})").status, 200);
  provider.release();
  waiting.join();
}

/// Equal queries at the same time are one request, and later ones none.
TEST_F(ServeDegraded, AQueryIsBoughtOnce) {
  prepare_notes();
  serve();
  const auto before = provider.stats().requests;
  provider.hold();
  std::vector<std::thread> asking;
  for (int i = 0; i < 5; ++i)
    asking.emplace_back([port = port_of(*server)] {
      SearchClient other(port);
      EXPECT_EQ(at(other.post("/v1/vectorizers/notes/search", R"({"query": "river"})").body, "/degraded"),
                "null");
    });
  EXPECT_TRUE(eventually([&] {
    return client->get("/metrics").body.find("\nembedd_http_active_requests 5\n") != std::string::npos;
  }));
  EXPECT_TRUE(provider.wait_for([](const ProviderStats& stats) { return stats.held == 1; }));
  provider.release();
  for (std::thread& each : asking) each.join();
  EXPECT_EQ(at(search(R"({"query": "river", "mode": "vector"})").body, "/returned"), "6");
  EXPECT_EQ(provider.stats().requests - before, 1u);
}

TEST_F(ServeDegraded, AWrongAnswerIsNoVector) {
  prepare_notes();
  provider.answers_next(2, Answer::broken(Fault::wrong_dimensions));
  serve();
  const SearchReply reply = search(kHybrid);
  EXPECT_EQ(reply.status, 200);
  EXPECT_NE(at(reply.body, "/degraded"), "null") << reply.body;
}

TEST_F(ServeDegraded, ByVectorsAloneThereIsNoOtherLeg) {
  prepare_notes("");
  serve({{"OPENAI_API_KEY", ""}});
  EXPECT_EQ(search(kHybrid).status, 503) << "vector is the default where there is no text configuration";
  const SearchReply reply = search(R"({"query": "slow", "mode": "text"})");
  EXPECT_EQ(reply.status, 400);
  EXPECT_THAT(reply.body, HasSubstr("embedd vectorizer text-search notes english"));
}

TEST_F(ServeDegraded, AnEndpointThatIsNotConfiguredHereIsNamed) {
  declare_notes("english", "openai");
  sql("UPDATE embedd.vectorizers SET endpoint = 'elsewhere'");
  serve();
  const SearchReply reply = search(kHybrid);
  EXPECT_EQ(at(reply.body, "/degraded/reason"), R"("misconfigured")") << reply.body;
  EXPECT_THAT(reply.body, HasSubstr("elsewhere"));
}

class ServeWithoutDatabase : private OwnServer, public WorkerTest {
 protected:
  ServeWithoutDatabase() : WorkerTest(&server) {}
  void stop_database() { server.stop("immediate"); }
  void start_database() { server.start(); }
};

TEST_F(ServeWithoutDatabase, SaysSoAndComesBack) {
  EMBEDD_NOT_ON(pgbouncer, "PgBouncer stays up and answers for the server");
  declare_docs();
  Embedd serving = start({"serve", "--http", "127.0.0.1:0"});
  SearchClient client(port_of(serving));
  EXPECT_EQ(client.get("/healthz").status, 200);
  EXPECT_EQ(client.get("/v1/vectorizers").status, 200);
  stop_database();
  EXPECT_TRUE(eventually([&] { return client.get("/healthz").status == 503; }));
  const SearchReply reply =
      client.post("/v1/vectorizers/docs/search", R"({"query": "a", "deadline_ms": 1000})");
  EXPECT_EQ(reply.status, 503) << reply.body;
  EXPECT_NE(reply.header("retry-after"), "");
  EXPECT_THAT(reply.body, Not(HasSubstr("postgres://")));
  EXPECT_THAT(serving.log(), HasSubstr("\"event\":\"database_unavailable\""));
  start_database();
  EXPECT_TRUE(eventually([&] { return client.get("/healthz").status == 200; }));
  EXPECT_TRUE(eventually([&] { return client.get("/v1/vectorizers").status == 200; }));
}

}  // namespace
}  // namespace embedd::test
