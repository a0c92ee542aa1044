// `/mcp` of `embedd serve`: revisions, headers, the rights of tokens, and how many messages at a time.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <thread>
#include <vector>

#include "support/http_get.h"
#include "support/serve_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kModern = "2026-07-28";

class McpHttp : public ServeTest {
 protected:
  using Headers = std::vector<std::string>;

  static std::string message(const std::string& method, const std::string& params = "{}") {
    return fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":"{}","params":{}}})", method, params);
  }
  static std::string modern(const std::string& method, const std::string& more = "",
                            const std::string& version = kModern) {
    return message(method, fmt::format(R"({{{}"_meta":{{"io.modelcontextprotocol/protocolVersion":"{}",)"
                                       R"("io.modelcontextprotocol/clientCapabilities":{{}}}}}})",
                                       more, version));
  }
  static Headers headers(const std::string& method, const std::string& name = "",
                         const std::string& version = kModern) {
    Headers out = {"MCP-Protocol-Version: " + version, "Mcp-Method: " + method};
    if (!name.empty()) out.push_back("Mcp-Name: " + name);
    return out;
  }
  SearchReply post(const std::string& body, const Headers& more = {}) {
    return client->post("/mcp", body, more);
  }
  /// Fills each of the replies with that to a search, from a client of its own, and waits until all are under
  /// way.
  std::vector<std::thread> search_at_once(std::vector<SearchReply>& replies, const std::string& token) {
    std::vector<std::thread> asking;
    for (SearchReply& reply : replies)
      asking.emplace_back([port = port_of(*server), token, &reply] {
        const std::string search =
            R"({"name":"search","arguments":{"vectorizer":"notes","query":"a b","deadline_ms":30000}})";
        reply = SearchClient(port, token).post("/mcp", message("tools/call", search));
      });
    const std::string active = fmt::format("\nembedd_http_active_requests {}\n", replies.size());
    EXPECT_TRUE(eventually([&] { return client->get("/metrics").body.find(active) != std::string::npos; }));
    return asking;
  }
  /// The text of one tool's answer. `failed`: the tool is to say that it failed.
  std::string call(const std::string& tool, const std::string& arguments, bool failed = false) {
    const SearchReply reply =
        post(message("tools/call", fmt::format(R"({{"name":"{}","arguments":{}}})", tool, arguments)));
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(at(reply.body, "/result/isError"), failed ? "true" : "false") << reply.body;
    return at(reply.body, "/result/content/0/text");
  }
};

TEST_F(McpHttp, SpeaksTheRevisionsWithAHandshakeWithoutASession) {
  declare_notes();
  serve();
  for (const char* version : {"2025-11-25", "2025-06-18", "2025-03-26"}) {
    const SearchReply begun = post(
        message("initialize", fmt::format(R"({{"protocolVersion":"{}","capabilities":{{}}}})", version)));
    EXPECT_EQ(begun.status, 200);
    EXPECT_EQ(begun.header("content-type"), "application/json");
    EXPECT_EQ(begun.header("mcp-session-id"), "");
    EXPECT_EQ(at(begun.body, "/result/protocolVersion"), fmt::format("\"{}\"", version));
    const Headers later = {std::string("MCP-Protocol-Version: ") + version};
    const SearchReply told = post(R"({"jsonrpc":"2.0","method":"notifications/initialized"})", later);
    EXPECT_EQ(told.status, 202);
    EXPECT_EQ(told.body, "");
    EXPECT_EQ(at(post(message("tools/list"), later).body, "/result/tools/1/name"), R"("search")");
    const SearchReply unknown = post(message("prompts/list"), later);
    EXPECT_EQ(unknown.status, 200) << "no fault of HTTP";
    EXPECT_EQ(at(unknown.body, "/error/code"), "-32601");
  }
  expect_logged(R"("route":"mcp","status":202)");
  EXPECT_THAT(client->get("/metrics").body,
              HasSubstr(R"(embedd_http_requests_total{route="mcp",status="202"} 3)"));
}

TEST_F(McpHttp, HoldsTheHeadersOfTheNewestRevisionAgainstTheBody) {
  declare_notes();
  serve();
  const std::string list = R"("name":"list_vectorizers",)";
  struct Case {
    std::string body;
    Headers headers;
    int status;
    const char* code;
  };
  const Case cases[] = {
      {modern("server/discover"), headers("server/discover"), 200, ""},
      {modern("tools/list"), headers("tools/list"), 200, ""},
      {modern("tools/call", list), headers("tools/call", "list_vectorizers"), 200, ""},
      {modern("tools/call", list), headers("tools/call", "=?base64?bGlzdF92ZWN0b3JpemVycw==?="), 200, ""},
      {modern("tools/call", list), headers("tools/call", "=?base64?bGlz!?="), 400, "-32020"},
      {modern("tools/call", list), headers("tools/call", "search"), 400, "-32020"},
      {modern("tools/call", list), headers("tools/call"), 400, "-32020"},
      {modern("tools/list"), headers("tools/call"), 400, "-32020"},
      {modern("tools/list"), {"MCP-Protocol-Version: 2026-07-28"}, 400, "-32020"},
      {modern("tools/list"), {"Mcp-Method: tools/list"}, 400, "-32020"},
      {modern("tools/list"), headers("tools/list", "", "2025-11-25"), 400, "-32020"},
      {modern("tools/list", "", "2031-01-01"), headers("tools/list", "", "2031-01-01"), 400, "-32022"},
      {message("tools/list"), {"MCP-Protocol-Version: 2031-01-01"}, 400, "-32022"},
      {message("tools/list"), headers("tools/list"), 400, "-32602"},
      {modern("prompts/list"), headers("prompts/list"), 404, "-32601"},
      {modern("initialize"), headers("initialize"), 404, "-32601"},
      {modern("tools/call", R"("name":"drop",)"), headers("tools/call", "drop"), 200, "-32602"},
      {"{", {}, 400, "-32700"},
      {"", {}, 400, "-32700"},
      {"[]", {}, 400, "-32600"},
  };
  for (const Case& each : cases) {
    const SearchReply reply = post(each.body, each.headers);
    EXPECT_EQ(reply.status, each.status) << each.body << reply.body;
    EXPECT_EQ(at(reply.body, "/error/code"), each.code) << each.body << reply.body;
    EXPECT_EQ(reply.header("content-type"), "application/json");
  }
}

TEST_F(McpHttp, TakesNothingButPostsOfItsOwnHost) {
  declare_notes();
  serve();
  const std::uint16_t port = port_of(*server);
  for (const char* method : {"GET", "DELETE", "OPTIONS"})
    EXPECT_THAT(talk_to(port, fmt::format("{} /mcp HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                                          method)),
                AllOf(HasSubstr(" 405 "), HasSubstr("Allow: POST\r\n")));
  const std::string list = message("tools/list");
  EXPECT_EQ(post(list, {"Origin: http://127.0.0.1:6274"}).status, 200);
  for (const char* origin :
       {"http://evil.example", "null", "http://127.0.0.1.evil.example", "https://localhost"})
    EXPECT_EQ(post(list, {std::string("Origin: ") + origin}).status, 403) << origin;
  EXPECT_EQ(post(list, {"Host: evil.example"}).status, 403);
  EXPECT_EQ(post(list, {"Host: evil.example", "Origin: http://evil.example"}).status, 403);
  EXPECT_EQ(post(list, {"Content-Type: text/plain"}).status, 415);
  EXPECT_EQ(post(list, {"Accept: text/html"}).status, 200);
  EXPECT_EQ(post(list + std::string(900 * 1024, ' ')).status, 200);
  EXPECT_EQ(post(list + std::string(1024 * 1024, ' ')).status, 413);
  const SearchReply chunked = post(list + std::string(1024 * 1024, ' '), {"Transfer-Encoding: chunked"});
  EXPECT_EQ(chunked.status, 413);
  EXPECT_THAT(chunked.body, HasSubstr("more than 1024 KiB"));
}

TEST_F(McpHttp, ShowsATokenItsVectorizersAlone) {
  declare_notes();
  declare_articles();
  add_notes(3);
  embed_all();
  serve_with("vectorizers = [\"articles\"]\nrequests_per_minute = 6");
  EXPECT_EQ(SearchClient(port_of(*server)).post("/mcp", message("tools/list")).status, 401);
  for (const char* tool : {"list_vectorizers", "status"})
    EXPECT_THAT(call(tool, "{}"), AllOf(HasSubstr("articles"), Not(HasSubstr("notes"))));
  const std::string none = "there is no vectorizer 'notes'";
  EXPECT_THAT(call("search", R"({"vectorizer":"notes","query":"river"})", true), HasSubstr(none));
  EXPECT_THAT(call("get_row", R"({"vectorizer":"notes","key":{"id":1}})", true), HasSubstr(none));
  EXPECT_THAT(call("search", R"({"vectorizer":"articles","query":"river"})"), HasSubstr("best first"));
  EXPECT_THAT(call("get_row", R"({"vectorizer":"articles","key":{"id":1}})"), HasSubstr("Article 1"));
  const SearchReply limited = post(message("tools/list"));
  EXPECT_EQ(limited.status, 429);
  EXPECT_NE(limited.header("retry-after"), "");
  expect_logged(R"("vectorizer":"articles","token":"some","hits":)");
  expect_logged(R"("code":"not_found")");
}

TEST_F(McpHttp, ShowsATokenOnlyRowsThatItsFilterLetsThrough) {
  declare_notes();
  add_notes(30);
  embed_all();
  serve_with(R"(filter = '{"column": "stars", "op": "=", "value": 3}')");
  const std::string found =
      call("search", R"({"vectorizer":"notes","query":"river note","k":50,"columns":["stars"]})");
  EXPECT_THAT(found,
              AllOf(HasSubstr("3 hits"), HasSubstr(R"(\"id\": 3})"), Not(HasSubstr(R"(\"stars\":4})"))));
  EXPECT_THAT(call("search", R"({"vectorizer":"notes","similar_to":{"id":4}})", true),
              HasSubstr("no such row"));
  EXPECT_THAT(call("get_row", R"({"vectorizer":"notes","key":{"id":3}})"), HasSubstr("note 3"));
  for (const char* hidden :
       {R"({"vectorizer":"notes","key":{"id":4}})", R"({"vectorizer":"notes","key":{"id":4},"from":3})"})
    EXPECT_EQ(call("get_row", hidden), R"("There is no such row.\n")") << "as if it were not there";
  client = std::make_unique<SearchClient>(port_of(*server), kAll);
  EXPECT_THAT(call("get_row", R"({"vectorizer":"notes","key":{"id":4}})"), HasSubstr("note 4"));
}

TEST_F(McpHttp, AFilterThatDoesNotFitLetsNoRowThrough) {
  declare_notes();
  add_notes(3);
  embed_all();
  serve_with(R"(filter = '{"column": "tenant", "op": "=", "value": 3}')");
  const std::string says = "the filter of this token does not fit notes";
  EXPECT_THAT(call("get_row", R"({"vectorizer":"notes","key":{"id":1}})", true), HasSubstr(says));
  EXPECT_THAT(call("search", R"({"vectorizer":"notes","query":"river"})", true), HasSubstr(says));
}

/// A search that cannot look by meaning counts as one of /v1 does, and a call that fails is seen by operators
/// although its status is 200.
TEST_F(McpHttp, CountsCallsAndSearches) {
  declare_notes("english", "openai");
  add_notes(3);
  embed_all();
  serve({{"OPENAI_API_KEY", ""}});
  EXPECT_THAT(call("search", R"({"vectorizer":"notes","query":"slow container"})"),
              HasSubstr("vector search unavailable"));
  EXPECT_EQ(search(R"({"query":"slow container"})").status, 200);
  call("search", R"({"vectorizer":"notes","query":"slow","mode":"vector"})", true);
  call("search", R"({"vectorizer":"notes","query":"slow","k":0})", true);
  call("status", "{}");
  EXPECT_EQ(at(post(message("tools/call", R"({"name":"drop"})")).body, "/error/code"), "-32602");
  const std::string metrics = client->get("/metrics").body;
  for (const char* line : {R"(embedd_searches_degraded_total{leg="vector",reason="no_api_key"} 2)",
                           R"(embedd_tool_calls_total{code="ok",tool="search"} 1)",
                           R"(embedd_tool_calls_total{code="no_api_key",tool="search"} 1)",
                           R"(embedd_tool_calls_total{code="invalid_request",tool="search"} 1)",
                           R"(embedd_tool_calls_total{code="ok",tool="status"} 1)",
                           R"(embedd_tool_call_seconds_count{tool="search"} 3)"})
    EXPECT_THAT(metrics, HasSubstr(std::string(line) + "\n"));
  EXPECT_THAT(metrics, Not(HasSubstr("drop")));
  expect_logged(R"("vectorizer":"notes","token":"","hits":1,"code":"degraded_no_api_key")");
  expect_logged(R"("code":"no_api_key","error":"[failed])");
}

/// Four searches that wait for their provider are all that one token may have under way.
TEST_F(McpHttp, ATokenHasAShareOfTheCalls) {
  declare_notes("english", "openai");
  add_notes(3);
  embed_all();
  serve_with("");
  provider.hold();
  std::vector<SearchReply> replies(4);
  auto asking = search_at_once(replies, kSome);
  SearchReply refused;
  EXPECT_TRUE(eventually([&] { return (refused = post(message("tools/list"))).status == 429; }));
  EXPECT_EQ(refused.header("retry-after"), "1");
  EXPECT_EQ(refused.header("content-type"), "application/json");
  EXPECT_EQ(at(refused.body, "/id"), "1");
  EXPECT_EQ(at(refused.body, "/error/code"), "-32010");
  EXPECT_THAT(at(refused.body, "/error/message"), HasSubstr("of this token"));
  SearchClient other(port_of(*server), kOther);
  EXPECT_EQ(other.post("/mcp", message("tools/list")).status, 200);
  provider.release();
  for (std::thread& each : asking) each.join();
  for (const SearchReply& reply : replies) EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(post(message("tools/list")).status, 200);
}

/// Eight searches that wait for their provider take every thread; nothing else waits, and SIGTERM lets them
/// end.
TEST_F(McpHttp, IsBoundedAndDrains) {
  declare_notes("english", "openai");
  add_notes(3);
  embed_all();
  serve();
  provider.hold();
  std::vector<SearchReply> replies(8);
  auto asking = search_at_once(replies, "");
  SearchReply refused;
  EXPECT_TRUE(eventually([&] { return (refused = post(message("tools/list"))).status == 503; }));
  EXPECT_EQ(refused.header("retry-after"), "1");
  EXPECT_EQ(at(refused.body, "/error/code"), "-32010");
  EXPECT_EQ(client->get("/v1/vectorizers").status, 200);
  server->signal(SIGTERM);
  EXPECT_TRUE(eventually([&] { return SearchClient(port_of(*server)).get("/healthz").status == 0; }));
  provider.release();
  for (std::thread& each : asking) each.join();
  for (const SearchReply& reply : replies) EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(server->finish().code, 0);
}

}  // namespace
}  // namespace embedd::test
