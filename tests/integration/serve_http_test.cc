// `embedd serve` as an HTTP server: tokens, limits, slow clients, SIGTERM, and what it says of itself.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <simdjson.h>

#include <csignal>
#include <list>
#include <map>
#include <set>
#include <thread>

#include "support/http_get.h"
#include "support/serve_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kSearch = "/v1/vectorizers/notes/search";
constexpr const char* kToken = "0123456789abcdef-one";

class ServeHttp : public ServeTest {
 protected:
  /// A search that holds its connection to the database until `release`.
  void block_searches() {
    locker.emplace(database.connect()), run(*locker, "BEGIN"), run(*locker, "LOCK TABLE notes");
  }
  void release_searches() { run(*locker, "COMMIT"); }
  bool wait_for_blocked(int count) {
    return eventually([&] {
      return number(
                 "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = "
                 "current_database()") >= count;
    });
  }

  std::optional<pg::Connection> locker;
};

TEST_F(ServeHttp, DescribesItself) {
  declare_notes();
  serve();
  const SearchReply list = client->get("/v1/vectorizers");
  ASSERT_EQ(list.status, 200);
  EXPECT_EQ(
      at(list.body, "/vectorizers/0"),
      R"({"name":"notes","table":"public.notes","key":["id"],"text":"{title}\\n{body}","chunked":false,)"
      R"("model":"local-hashing-v1","dimensions":64,"text_search":"pg_catalog.english","score":null,"paused":false})");
  EXPECT_EQ(at(client->get("/healthz").body, "/status"), R"("ok")");
  EXPECT_THAT(client->get("/metrics").body,
              HasSubstr(R"(embedd_http_requests_total{route="vectorizers",status="200"} 1)"));
  const SearchReply document = client->get("/openapi.json");
  EXPECT_EQ(at(document.body, "/openapi"), R"("3.1.0")");
  EXPECT_EQ(client->connections(), 1) << "the connection is kept";
}

/// A path of the document, for the vectorizer notes.
std::string at_notes(std::string_view path) {
  std::string target(path);
  if (const auto name = target.find("{name}"); name != std::string::npos) target.replace(name, 6, "notes");
  return target;
}

/// The document and the parser know the same fields, with the same bounds.
TEST_F(ServeHttp, TheDocumentIsTrue) {
  declare_notes();
  declare_articles();
  add_notes(3);
  embed_all();
  serve();
  simdjson::dom::parser parser;
  const std::string document = client->get("/openapi.json").body;
  const simdjson::dom::element root = parser.parse(document);
  const simdjson::dom::object fields = root["components"]["schemas"]["Search"]["properties"];
  std::string known;
  for (const auto& [name, schema] : fields) {
    known += (known.empty() ? "" : ", ") + std::string(name);
    for (const char* end : {"minimum", "maximum"}) {
      std::int64_t bound = 0;
      if (schema[end].get(bound)) continue;
      const auto ask = [&](std::int64_t number) {
        return search(fmt::format(R"({{"query": "river", "{}": {}}})", name, number),
                      name == "neighbours" ? "articles" : "notes")
            .status;
      };
      EXPECT_EQ(ask(bound), 200) << name << " " << bound;
      EXPECT_EQ(ask(bound + (std::string_view(end) == "minimum" ? -1 : 1)), 400) << name;
    }
  }
  const SearchReply wrong = search(R"({"query": "a", "nonsense": 1})");
  EXPECT_EQ(wrong.status, 400);
  std::set<std::string> named;
  const std::string message = wrong.body;
  for (const auto& [name, schema] : fields) EXPECT_THAT(message, HasSubstr(std::string(name)));
  const simdjson::dom::object paths = root["paths"];
  for (const auto& [path, methods] : paths) {
    if (!methods["post"].error() || path.starts_with("/v1/t"))
      continue;                          // those of traces: traces_http_test.cc
    if (path == "/v1/events") continue;  // without end: dashboard_http_test.cc
    EXPECT_EQ(client->get(at_notes(path)).status, 200) << path;
  }
}

/// Whoever copies an example of the document gets an answer, whose status the document names.
TEST_F(ServeHttp, TheExamplesOfTheDocumentWork) {
  declare_notes();
  add_notes(3);
  embed_all();
  serve({{"EMBEDD_API_TOKEN", kToken}}, kToken);
  simdjson::dom::parser parser;
  const std::string document = client->get("/openapi.json").body;
  const simdjson::dom::object paths = parser.parse(document)["paths"];
  std::map<std::string, int> sent;
  for (const auto& [path, methods] : paths) {
    if (path.starts_with("/v1/t")) continue;  // those of traces: traces_http_test.cc
    simdjson::dom::object examples;
    const auto post = methods["post"];
    if (post["requestBody"]["content"]["application/json"]["examples"].get(examples)) continue;
    const std::string target = at_notes(path);
    for (const auto& [name, example] : examples) {
      const std::string body = simdjson::minify(example["value"].value());
      const SearchReply reply = client->post(target, body);
      EXPECT_EQ(reply.status, name == "initialized" ? 202 : 200) << target << " " << name << reply.body;
      EXPECT_FALSE(post["responses"][std::to_string(reply.status)].error()) << target << " " << name;
      EXPECT_EQ(at(reply.body, "/error"), "") << target << " " << name;
      EXPECT_EQ(at(reply.body, "/result/isError"),
                body.find("tools/call") != std::string::npos ? "false" : "")
          << name;
      ++sent[target];
    }
  }
  EXPECT_EQ(sent, (std::map<std::string, int>{{"/mcp", 8},
                                              {"/v1/embeddings", 2},
                                              {"/v1/vectorizers/notes/dead/purge", 2},
                                              {"/v1/vectorizers/notes/dead/retry", 2},
                                              {"/v1/vectorizers/notes/search", 4}}));
}

TEST_F(ServeHttp, WrongRequestsSayWhatToDo) {
  declare_notes();
  serve();
  struct Case {
    std::string path, body, header;
    int status;
    const char* says;
  };
  const std::string json = "Content-Type: application/json";
  const Case cases[] = {
      {kSearch, "", json, 400, "the body is empty"},
      {kSearch, "{", json, 400, "the body is not JSON"},
      {kSearch, "[]", json, 400, "the body must be an object"},
      {kSearch, "{}", json, 400, "query: is missing"},
      {kSearch, R"({"query": "  "})", json, 400, "query: is blank"},
      {kSearch, R"({"query": "a", "k": 0})", json, 400, "k: must be a whole number from 1 to 1000"},
      {kSearch, R"({"query": "a", "k": 1, "k": 2})", json, 400, "k: is there twice"},
      {kSearch, R"({"query": "a", "mode": "both"})", json, 400, "mode: must be hybrid, vector or text"},
      {kSearch, fmt::format(R"({{"query": "{}"}})", std::string(8193, 'a')), json, 400, "at most 8192 bytes"},
      {kSearch, R"({"query": "a\u0000b"})", json, 400, "must not hold the character NUL"},
      {kSearch, "{\"query\": \"\xff\"}", json, 400, "the body is not JSON"},
      {kSearch, R"({"query": "a"})", "Content-Type: text/plain", 415, "Content-Type: application/json"},
      {"/v1/vectorizers/none/search", R"({"query": "a"})", json, 404, "there is no vectorizer 'none'"},
      {"/v1/vectorizers/a%2fb/search", R"({"query": "a"})", json, 404, "there are POST"},
      {"/v1/vectorizers/../search", R"({"query": "a"})", json, 404, "there is no vectorizer"},
      {"/nothing", "{}", json, 404, "there are POST"},
      {"/v1/vectorizers", "{}", json, 405, "use GET"},
      {kSearch, std::string(600 * 1024, ' '), json, 413, "more than 512 KiB"},
  };
  for (const Case& each : cases) {
    const SearchReply reply = client->post(each.path, each.body, {each.header, "X-Request-ID: abc-1"});
    EXPECT_EQ(reply.status, each.status) << each.path << " " << each.says << reply.body;
    EXPECT_THAT(reply.body, HasSubstr(each.says));
    EXPECT_THAT(at(reply.body, "/type"), HasSubstr("urn:embedd:problem:")) << reply.body;
    EXPECT_EQ(at(reply.body, "/status"), std::to_string(each.status));
    EXPECT_EQ(reply.header("content-type"), "application/problem+json");
    EXPECT_EQ(reply.header("x-request-id"), "abc-1");
  }
  EXPECT_EQ(at(search(R"({"query": "a", "filter": {"and": [{"column": "stars", "op": "is"}]}})").body,
               "/errors/0/field"),
            R"("filter.and[0].op")");
  EXPECT_EQ(
      at(search(R"({"query": "a", "filter": {"column": "stras", "op": "=", "value": 1}})").body, "/errors"),
      R"([{"field":"filter","message":"there is no column 'stras'. Did you mean 'stars'?"}])");
  EXPECT_EQ(at(search("[]").body, "/errors"), "") << "no field is at fault";
  EXPECT_THAT(talk_to(port_of(*server), "nonsense\r\n\r\n"), HasSubstr("400"));
  EXPECT_THAT(
      talk_to(port_of(*server), "GET /healthz HTTP/1.1\r\nA: " + std::string(20'000, 'a') + "\r\n\r\n"),
      HasSubstr("431"));
  EXPECT_THAT(talk_to(port_of(*server), "GET /metrics HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde"),
              HasSubstr("400"));
  EXPECT_TRUE(eventually([&] {
    return server->logged("\"event\":\"http_request\"") == static_cast<int>(std::size(cases)) + 6;
  }));
  EXPECT_THAT(server->log(), HasSubstr(R"("request_id":"abc-1","route":"search","status":400)"));
}

TEST_F(ServeHttp, OnlyATokenOpens) {
  declare_notes();
  const std::string two = std::string("0123456789abcdef-two ") + kToken;
  serve({{"EMBEDD_API_TOKEN", two}}, kToken);
  EXPECT_EQ(client->get("/v1/vectorizers").status, 200);
  SearchClient none(port_of(*server)), wrong(port_of(*server), "0123456789abcdef-onf"),
      longer(port_of(*server), std::string(kToken) + "x"), both(port_of(*server), two);
  for (SearchClient* each : {&none, &wrong, &longer, &both}) {
    const SearchReply reply = each->get("/v1/vectorizers");
    EXPECT_EQ(reply.status, 401);
    EXPECT_EQ(reply.header("www-authenticate"), "Bearer");
    EXPECT_EQ(each->post(kSearch, R"({"query": "a"})").status, 401);
    EXPECT_EQ(each->get("/healthz").status, 200);
  }
  EXPECT_THAT(server->log(), Not(HasSubstr("0123456789abcdef")));
}

TEST_F(ServeHttp, BeyondLoopbackATokenIsRequired) {
  const Finished refused = run_embedd({"serve", "--http", "0.0.0.0:0"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.error_output,
              AllOf(HasSubstr("a token is required"), HasSubstr("EMBEDD_API_TOKEN_FILE")));
  const Finished guessable = run_embedd({"serve", "--http", "0.0.0.0:0"}, {{"EMBEDD_API_TOKEN", "secret"}});
  EXPECT_EQ(guessable.code, 2);
  EXPECT_THAT(guessable.error_output, HasSubstr("fewer than 16 characters"));
  declare_notes();
  serve();
  const SearchReply rebound = client->get("/v1/vectorizers", {"Host: evil.example:8080"});
  EXPECT_EQ(rebound.status, 403) << "a web page that has its name point to loopback";
  EXPECT_EQ(client->get("/v1/vectorizers", {"Host: localhost:1"}).status, 200);
}

TEST_F(ServeHttp, TooManyRequestsAreToldToWait) {
  declare_notes();
  serve({{"EMBEDD_API_TOKEN", fmt::format("{} 0123456789abcdef-two", kToken)},
         {"EMBEDD_SERVE_CONNECTIONS", "2"},
         {"EMBEDD_SERVE_REQUESTS", "5"},
         {"EMBEDD_SERVE_REQUESTS_PER_TOKEN", "3"}},
        kToken);
  EXPECT_EQ(search(R"({"query": "a"})").status, 200);
  block_searches();
  std::list<std::thread> clients;
  const auto ask = [&](const char* token, int count) {
    for (int i = 0; i < count; ++i)
      clients.emplace_back([port = port_of(*server), token] {
        SearchClient other(port, token);
        EXPECT_EQ(other.post(kSearch, R"({"query": "a", "deadline_ms": 30000})").status, 200);
      });
  };
  ask(kToken, 3);
  const auto active = [&](int count) {
    const std::string line = fmt::format("\nembedd_http_active_requests {}\n", count);
    return eventually([&] { return client->get("/metrics").body.find(line) != std::string::npos; });
  };
  EXPECT_TRUE(active(3));
  const SearchReply of_token = search(R"({"query": "a"})");
  EXPECT_EQ(of_token.status, 429) << of_token.body;
  EXPECT_EQ(of_token.header("retry-after"), "1");
  EXPECT_THAT(of_token.body, HasSubstr("3 requests of this token"));
  ask("0123456789abcdef-two", 2);
  EXPECT_TRUE(active(5));
  SearchClient two(port_of(*server), "0123456789abcdef-two");
  EXPECT_THAT(two.post(kSearch, R"({"query": "a"})").body, HasSubstr("5 requests are under way"));
  EXPECT_EQ(client->get("/healthz").status, 200) << "probes are answered";
  release_searches();
  for (std::thread& each : clients) each.join();
  EXPECT_TRUE(active(0));
  EXPECT_EQ(search(R"({"query": "a"})").status, 200);
}

TEST_F(ServeHttp, ASearchEndsAtItsDeadline) {
  declare_notes();
  serve();
  EXPECT_EQ(search(R"({"query": "a"})").status, 200);
  block_searches();
  const SearchReply reply = search(R"({"query": "a", "deadline_ms": 200})");
  EXPECT_EQ(reply.status, 503) << reply.body;
  EXPECT_EQ(at(reply.body, "/type"), R"("urn:embedd:problem:deadline")");
  release_searches();
  EXPECT_EQ(search(R"({"query": "a"})").status, 200);
}

TEST_F(ServeHttp, FiveHundredSlowConnectionsStopNobody) {
  declare_notes();
  add_notes(10);
  embed_all();
  serve();
  std::list<Client> slow;
  for (int i = 0; i < 500; ++i) {
    slow.emplace_back(port_of(*server));
    ASSERT_TRUE(slow.back().send(i % 2 == 0
                                     ? "POST /v1/vectorizers/notes/search HTTP/1.1\r\nHost: loc"
                                     : "POST /v1/vectorizers/notes/search HTTP/1.1\r\nHost: localhost\r\n"));
  }
  for (int i = 0; i < 50; ++i) EXPECT_EQ(search(R"({"query": "slow container"})").status, 200);
  EXPECT_EQ(client->connections(), 1);
}

TEST_F(ServeHttp, AConnectionTooManyClosesTheLongestIdle) {
  declare_notes();
  serve({{"EMBEDD_SERVE_CLIENTS", "20"}});
  std::list<Client> idle;
  for (int i = 0; i < 60; ++i) idle.emplace_back(port_of(*server));
  EXPECT_EQ(client->get("/healthz").status, 200);
  EXPECT_EQ(idle.front().receive(), "") << "closed by the server";
}

TEST_F(ServeHttp, RequestsSentAheadAreAnsweredInOrder) {
  declare_notes();
  serve();
  std::string ahead;
  for (int i = 0; i < 20; ++i)
    ahead += fmt::format("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Request-ID: n-{:02}\r\n{}\r\n", i,
                         i == 19 ? "Connection: close\r\n" : "");
  const std::string replies = talk_to(port_of(*server), ahead);
  std::size_t from = 0;
  for (int i = 0; i < 20; ++i) {
    const std::size_t found = replies.find(fmt::format("n-{:02}", i), from);
    ASSERT_NE(found, std::string::npos) << i << replies;
    from = found;
  }
}

TEST_F(ServeHttp, TermDrains) {
  declare_notes();
  add_notes(3);
  embed_all();
  serve();
  EXPECT_EQ(search(R"({"query": "river"})").status, 200);
  Client idle(port_of(*server));
  block_searches();
  SearchReply reply;
  std::thread asking([&] { reply = search(R"({"query": "river", "k": 3, "deadline_ms": 30000})"); });
  EXPECT_TRUE(wait_for_blocked(1));
  server->signal(SIGTERM);
  EXPECT_EQ(idle.receive(), "") << "an idle connection is closed";
  EXPECT_TRUE(server->running());
  EXPECT_FALSE(Client(port_of(*server)).send("GET / HTTP/1.1\r\n\r\n")) << "no new connection is accepted";
  release_searches();
  asking.join();
  EXPECT_EQ(reply.status, 200) << "the search under way was answered";
  EXPECT_EQ(at(reply.body, "/returned"), "3");
  EXPECT_EQ(reply.header("connection"), "close");
  const Finished finished = server->finish();
  EXPECT_EQ(finished.code, 0) << finished.error_output;
  EXPECT_THAT(finished.error_output, HasSubstr("http_stopped"));
}

/// The rights of a worker are enough.
TEST_F(ServeHttp, NeedsNoMoreRightsThanAWorker) {
  declare_notes();
  add_notes(3);
  embed_all();
  serve({{"DATABASE_URL", database.worker_url()}});
  const SearchReply reply =
      search(R"({"query": "river", "filter": {"column": "id", "op": ">", "value": 0}})");
  EXPECT_EQ(reply.status, 200) << reply.body;
}

}  // namespace
}  // namespace embedd::test
