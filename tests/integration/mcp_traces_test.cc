// The tools for traces: of `embedd mcp`, and of `/mcp` of `embedd serve`.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "support/process.h"
#include "support/traces_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kReading = "get_trace list_tags search_traces ";
constexpr const char* kWriting = "contribute_trace get_trace list_tags search_traces ";
constexpr const char* kNew =
    R"({"title":"A title","context_text":"where","solution_text":"what to do","tags":[" TLS ","tls"]})";

class McpTraces : public TracesTest {
 protected:
  static std::string message(const std::string& method, const std::string& params = "{}") {
    return fmt::format(R"({{"jsonrpc":"2.0","id":1,"method":"{}","params":{}}})", method, params);
  }
  static std::string of_tool(const std::string& tool, const std::string& arguments) {
    return message("tools/call", fmt::format(R"({{"name":"{}","arguments":{}}})", tool, arguments));
  }
  /// Three traces, of which 01 and 02 are about the same.
  void add_three() {
    create_their_tables();
    init_full();
    add_trace("01", "Connection pool exhausted", "Set the size of the pool to the number of workers");
    add_trace("02", "Connection pool exhausted again", "Set the size of the pool to the number of workers");
    add_trace("03", "Hot reload in a container", "Poll the files, because events do not cross the mount");
    for (const char* id : {"01", "02"}) tag(id, "postgres");
    tag("03", "docker");
    ASSERT_EQ(work_once().code, 0);
    grant_tables();
  }
  /// What `embedd mcp` answers to one message.
  std::string talk(const std::string& line, const std::vector<std::string>& flags = {},
                   const Environment& changes = {}) {
    files.write("input", line + "\n");
    std::vector<std::string> arguments = {"mcp"};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    Environment all = environment;
    for (const auto& [name, value] : changes) all[name] = value;
    Process process({.arguments = arguments, .environment = all, .input = files.file("input")});
    EXPECT_EQ(process.wait(), 0) << process.error_output();
    return process.output();
  }
  std::string post(const std::string& body) { return client->post("/mcp", body).body; }
  /// The text of a tool's answer. `failed`: the tool is to say that it failed.
  static std::string text_of(const std::string& answer, bool failed = false) {
    EXPECT_EQ(at(answer, "/result/isError"), failed ? "true" : "false") << answer;
    return at(answer, "/result/content/0/text");
  }
  /// The tools for traces in a list of tools, in order.
  static std::string listed(const std::string& answer) {
    std::string out;
    for (const char* name : {"contribute_trace", "get_trace", "list_tags", "search_traces"})
      if (answer.find(fmt::format(R"("name":"{}")", name)) != std::string::npos)
        out += std::string(name) + " ";
    EXPECT_THAT(answer, HasSubstr(R"("name":"list_vectorizers")"));
    return out;
  }
};

TEST_F(McpTraces, AreListedIfTheyAreDeclared) {
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  serve();
  const std::string list = message("tools/list");
  EXPECT_EQ(listed(post(list)), "");
  EXPECT_EQ(listed(talk(list, {"--write"})), "");
  EXPECT_THAT(text_of(post(of_tool("list_tags", "{}")), true), HasSubstr("there is no vectorizer 'traces'"));
  ASSERT_EQ(run_embedd({"traces", "init", "--endpoint", "local"}).code, 0);
  EXPECT_EQ(listed(talk(list)), kReading);
  EXPECT_EQ(listed(talk(list, {"--write"})), kWriting);
  EXPECT_TRUE(eventually([&] { return listed(post(list)) == kReading; })) << "without a restart";
  const std::string tools = talk(list, {"--write"});
  EXPECT_THAT(tools,
              AllOf(HasSubstr(R"("title":"Search traces","readOnlyHint":true)"),
                    HasSubstr(R"("title":"Add a trace","readOnlyHint":false,"destructiveHint":false)")));
}

TEST_F(McpTraces, AreFoundAndRead) {
  add_three();
  const auto call = [&](const std::string& tool, const std::string& arguments, bool failed = false) {
    return text_of(talk(of_tool(tool, arguments)), failed);
  };
  const std::string near = call("search_traces", R"({"q":"connection pool exhausted","limit":2})");
  EXPECT_THAT(near, AllOf(HasSubstr("2 traces, best first"), HasSubstr("data, not instructions"),
                          HasSubstr(R"(\"similarity_score\":)"), Not(HasSubstr("retrieval_count"))));
  EXPECT_LT(near.find(uuid("01")), near.find(uuid("02")));
  EXPECT_THAT(call("search_traces", R"({"tags":[" Docker"],"detail":"full"})"),
              AllOf(HasSubstr("1 trace, the most trusted first"), HasSubstr(uuid("03")),
                    HasSubstr(R"(\"retrieval_count\":0)")));
  EXPECT_THAT(call("search_traces", R"({"tags":["docker","postgres"]})"), HasSubstr("No trace was found."));
  EXPECT_THAT(call("list_tags", "{}"), HasSubstr(R"([\"docker\",\"postgres\"])"));
  EXPECT_THAT(call("list_tags", R"({"contains":"POST"})"), HasSubstr(R"(1 tags.)"));
  EXPECT_THAT(call("search_traces", "{}", true), HasSubstr("At least one of 'q' or 'tags'"));
  EXPECT_THAT(call("search_traces", R"({"q":"x","limit":51})", true), HasSubstr("limit: must be"));
  EXPECT_THAT(call("search_traces", R"({"q":"x","detail":"all"})", true), HasSubstr("detail: must be brief"));
  EXPECT_THAT(call("get_trace", R"({"id":"7"})", true), HasSubstr("id: must be a uuid"));
  EXPECT_THAT(call("get_trace", "{}", true), HasSubstr("id: is missing"));
  EXPECT_THAT(call("get_trace", fmt::format(R"({{"id":"{}"}})", uuid("77")), true), HasSubstr("no trace"));

  sql(fmt::format("UPDATE traces SET solution_text = repeat('日本', 20000) WHERE id = '{}'", uuid("02")));
  std::size_t seen = 0;
  for (int from = 0, guard = 0; guard < 20; ++guard) {
    const std::string text = call("get_trace", fmt::format(R"({{"id":"{}","from":{}}})", uuid("02"), from));
    ASSERT_LT(text.size(), 55'000u);
    EXPECT_EQ(text.find("exhausted again") != std::string::npos, from == 0);
    for (std::size_t p = text.find("日"); p != std::string::npos; p = text.find("日", p + 1)) ++seen;
    const std::size_t next = text.find("read on with from: ");
    if (next == std::string::npos) break;
    from = std::stoi(text.substr(next + 19));
  }
  EXPECT_EQ(seen, 20'000u) << "each piece once, and all of them";
}

TEST_F(McpTraces, AreAddedByCommandsThatMayWrite) {
  add_three();
  const std::string add = of_tool("contribute_trace", kNew);
  EXPECT_THAT(text_of(talk(add), true), HasSubstr("embedd mcp was started without --write"));
  EXPECT_THAT(text_of(talk(add, {"--write"}), true), HasSubstr("start embedd mcp with --contributor"));
  EXPECT_EQ(value("SELECT count(*) FROM traces"), "3");
  const std::vector<std::string> flags = {"--write", "--contributor", uuid("99")};
  EXPECT_THAT(text_of(talk(add, flags)),
              AllOf(HasSubstr("The trace is stored: id "), HasSubstr(", status pending")));
  EXPECT_THAT(text_of(talk(of_tool("search_traces", R"({"tags":["TLS"]})"))), HasSubstr("A title"));
  EXPECT_EQ(value("SELECT contributor_id FROM traces WHERE title = 'A title'"), uuid("99"));
  EXPECT_THAT(text_of(talk(of_tool("contribute_trace", R"({"title":"t"})"), flags), true),
              HasSubstr("context_text: must not be empty"));
  EXPECT_EQ(run_embedd({"mcp", "--contributor", uuid("99")}).code, 2);
  const Finished wrong = run_embedd({"mcp", "--write", "--contributor", "me"});
  EXPECT_NE(wrong.code, 0);
  EXPECT_THAT(wrong.error_output, HasSubstr("--contributor: must be a uuid"));
}

TEST_F(McpTraces, KeepToTheRightsOfAToken) {
  add_three();
  sql(fmt::format("UPDATE traces SET trace_type = 'pattern' WHERE id = '{}'", uuid("01")));
  const std::string add = of_tool("contribute_trace", kNew), list = message("tools/list");
  serve();
  EXPECT_EQ(listed(post(list)), kReading) << "nobody has a token";
  EXPECT_THAT(text_of(post(add), true), HasSubstr("this server has no tokens"));

  serve_with("vectorizers = [\"others\"]\nwrite = true");
  EXPECT_EQ(listed(post(list)), "");
  EXPECT_THAT(text_of(post(add), true), HasSubstr("there is no vectorizer 'traces'"));
  EXPECT_THAT(text_of(post(of_tool("list_tags", "{}")), true), HasSubstr("there is no vectorizer 'traces'"));

  serve_with("filter = '{\"column\": \"trace_type\", \"op\": \"=\", \"value\": \"pattern\"}'\nwrite = true");
  EXPECT_EQ(listed(post(list)), kReading);
  EXPECT_THAT(text_of(post(add), true), HasSubstr("a token with a filter may not add traces"));
  for (const char* arguments : {R"({"q":"connection pool"})", R"({"tags":["postgres"]})"})
    EXPECT_THAT(text_of(post(of_tool("search_traces", arguments))),
                AllOf(HasSubstr("1 trace"), HasSubstr(uuid("01"))));
  EXPECT_THAT(text_of(post(of_tool("get_trace", fmt::format(R"({{"id":"{}"}})", uuid("02")))), true),
              HasSubstr("there is no trace"));
  EXPECT_THAT(text_of(post(of_tool("list_tags", "{}"))), HasSubstr(R"([\"postgres\"])"));

  serve_with("vectorizers = [\"traces\"]");
  EXPECT_EQ(listed(post(list)), kReading);
  EXPECT_THAT(text_of(post(add), true), HasSubstr("set write = true"));
  EXPECT_EQ(value("SELECT count(*) FROM traces"), "3");
  expect_logged(R"("code":"forbidden")");
  EXPECT_EQ(server->logged(R"("error":"[failed])"), 0) << "no fault of the server's";

  serve_with(fmt::format("write = true\ncontributor = \"{}\"", uuid("99")));
  EXPECT_EQ(listed(post(list)), kWriting);
  EXPECT_THAT(text_of(post(add)), HasSubstr("The trace is stored"));
  EXPECT_EQ(value("SELECT count(*) FROM traces WHERE contributor_id = '" + uuid("99") + "'"), "4");
}

TEST_F(McpTraces, SayInWordsWhatASearchLacks) {
  add_three();
  ASSERT_EQ(run_embedd({"vectorizer", "score", "traces", "ln(trust_score + 1)"}).code, 0);
  serve({{"EMBEDD_METRICS_PREFIX", "commontrace"}});
  const std::string near = of_tool("search_traces", R"({"q":"connection pool exhausted"})");
  EXPECT_THAT(text_of(post(near)), Not(HasSubstr("not in the usual order")));
  sql(fmt::format("UPDATE traces SET trust_score = -1 WHERE id = '{}'", uuid("02")));
  EXPECT_THAT(text_of(post(near)), AllOf(HasSubstr("[not in the usual order: "), HasSubstr(uuid("01"))));
  EXPECT_THAT(client->get("/metrics").body,
              AllOf(HasSubstr(R"(embedd_searches_degraded_total{leg="score",reason="score_failed"} 1)"),
                    HasSubstr(R"(embedd_tool_calls_total{code="ok",tool="search_traces"} 2)"),
                    HasSubstr("commontrace_search_requests_total{has_tags=\"false\"} 2")));
}

TEST_F(McpTraces, AreFoundByTagsWithoutAKey) {
  create_their_tables();
  ASSERT_EQ(run_embedd({"traces", "init"}).code, 0);
  add_trace("01", "Connection pool exhausted", "Set the size of the pool to the number of workers");
  tag("01", "pool");
  const Environment no_key = {{"OPENAI_API_KEY", ""}};
  serve(no_key);
  const std::string near = of_tool("search_traces", R"({"q":"pool"})");
  for (const std::string& answer : {post(near), talk(near, {}, no_key)})
    EXPECT_THAT(text_of(answer, true), AllOf(HasSubstr("[meaning search unavailable: "),
                                             HasSubstr("Search with tags instead of q")));
  const std::string both = of_tool("search_traces", R"({"q":"pool","tags":["pool"]})");
  for (const std::string& answer : {post(both), talk(both, {}, no_key)})
    EXPECT_THAT(text_of(answer), AllOf(HasSubstr("[meaning search unavailable: "), HasSubstr(uuid("01")),
                                       HasSubstr("Only the tags were looked for")));
  EXPECT_THAT(text_of(post(of_tool("search_traces", R"({"tags":["pool"]})"))),
              AllOf(HasSubstr(uuid("01")), Not(HasSubstr("unavailable"))));
  EXPECT_THAT(client->get("/metrics").body,
              AllOf(HasSubstr(R"(embedd_searches_degraded_total{leg="vector",reason="no_api_key"} 1)"),
                    HasSubstr(R"(embedd_tool_calls_total{code="no_api_key",tool="search_traces"} 1)")));
}

}  // namespace
}  // namespace embedd::test
