// `embedd worker --serve`: one process that embeds and answers searches.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/serve_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class WorkerServes : public ServeTest {
 protected:
  void start_both(const Environment& changes = {}) {
    server = std::make_unique<Embedd>(start({"worker", "--serve", "--http", "127.0.0.1:0"}, changes));
    client = std::make_unique<SearchClient>(port_of(*server));
  }
};

TEST_F(WorkerServes, WhatItEmbedsIsFoundByItsSearches) {
  declare_notes();
  start_both();
  ASSERT_TRUE(eventually([&] { return client->get("/readyz").status == 200; })) << server->log();
  add_notes(12);
  ASSERT_TRUE(wait_until_idle()) << server->log();
  const SearchReply found = search(R"({"query": "note 7", "k": 12, "mode": "vector"})");
  EXPECT_EQ(found.status, 200);
  EXPECT_EQ(at(found.body, "/returned"), "12");
  EXPECT_EQ(client->get("/livez").status, 200);
  const std::string metrics = client->get("/metrics").body;
  EXPECT_THAT(metrics, AllOf(HasSubstr(R"(embedd_rows_embedded_total{vectorizer="notes"} 12)"),
                             HasSubstr(R"(embedd_http_requests_total{route="search",status="200"} 1)"),
                             HasSubstr("embedd_http_connections 1")));
  for (std::size_t from = 0, line; (line = metrics.find("# TYPE ", from)) != std::string::npos;
       from = line + 1) {
    const std::string type = metrics.substr(line, metrics.find('\n', line) - line + 1);
    EXPECT_EQ(metrics.find(type, line + 1), std::string::npos) << "twice: " << type;
  }
  const Finished stopped = server->stop();
  EXPECT_EQ(stopped.code, 0);
  EXPECT_THAT(server->log(), AllOf(HasSubstr("worker_stopped"), HasSubstr("http_stopped")));
}

TEST_F(WorkerServes, SearchesAreAnsweredWhileTheProviderAnswersNothing) {
  declare_notes("english", "openai");
  add_notes(3);
  provider.answers_always(Answer::broken(Fault::hang));
  start_both();
  ASSERT_TRUE(eventually([&] { return leases() == 3; })) << server->log();
  const SearchReply found = search(R"({"query": "river", "mode": "text"})");
  EXPECT_EQ(found.status, 200) << found.body;
  EXPECT_EQ(at(found.body, "/returned"), "2");
}

TEST_F(WorkerServes, AnswersAgentsAndIsTheWorkerThatTheySee) {
  declare_notes();
  start_both();
  add_notes(3);
  ASSERT_TRUE(wait_until_idle()) << server->log();
  const auto call = [this](const std::string& tool, const std::string& arguments) {
    return at(client
                  ->post("/mcp", fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":"tools/call",)"
                                             R"("params":{{"name":"{}","arguments":{}}}}})",
                                             tool, arguments))
                  .body,
              "/result/content/0/text");
  };
  EXPECT_THAT(call("search", R"({"vectorizer":"notes","query":"slow container"})"),
              HasSubstr(R"(\"key\":{\"id\": 3})"));
  EXPECT_THAT(call("status", "{}"), AllOf(HasSubstr("1 workers run"), HasSubstr(R"(\"state\":\"current\")")));
  EXPECT_THAT(client->get("/metrics").body,
              AllOf(HasSubstr(R"(embedd_rows_embedded_total{vectorizer="notes"} 3)"),
                    HasSubstr(R"(embedd_tool_calls_total{code="ok",tool="search"} 1)")));
}

TEST_F(WorkerServes, ServesUnderTheSameRulesAsServe) {
  const Finished open = run_embedd({"worker", "--serve", "--http", "0.0.0.0:0"});
  EXPECT_EQ(open.code, 2);
  EXPECT_THAT(open.error_output, HasSubstr("a token is required"));
  EXPECT_EQ(run_embedd({"worker", "--serve", "--once"}).code, 2);
}

TEST_F(WorkerServes, ServeAloneHasNoRoutesOfAWorker) {
  declare_notes();
  serve();
  EXPECT_EQ(client->get("/livez").status, 404);
  EXPECT_EQ(client->get("/readyz").status, 404);
  EXPECT_THAT(client->get("/metrics").body, HasSubstr("embedd_build_info"));
}

}  // namespace
}  // namespace embedd::test
