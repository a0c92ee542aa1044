// Canaries: a key and a password that must turn up nowhere, whatever goes wrong.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "support/pieces.h"
#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

// Not like OpenAI's: what a key looks like must not matter.
constexpr const char* kKey = "canary/5e4f1a90c3+Qz==";
constexpr const char* kHeader = "canary-0f-a-header-31";
constexpr const char* kPassword = "canary-5ecret-77b2";

class Secrets : public OwnServer, public WorkerTest {
 protected:
  Secrets() : WorkerTest(&server) {
    environment["OPENAI_API_KEY"] = kKey;
    environment["DATABASE_URL"] =
        fmt::format("postgresql://postgres:{}@127.0.0.1:{}/{}", kPassword, server.port(), database.name());
    environment["EMBEDD_LOG_LEVEL"] = "debug";
    files.write("embedd.toml", fmt::format("[endpoint.openai]\nheaders = [\"X-Api-Key: {}\"]\n", kHeader));
    environment["EMBEDD_CONFIG"] = files.file("embedd.toml");
    provider.set_key(kKey);
  }

  static void expect_clean(const std::string& text, const std::string& where) {
    for (const char* secret : {kKey, kHeader, kPassword})
      EXPECT_EQ(piece_in(text, secret), "") << "of " << secret << " in " << where;
  }
  static void expect_clean(const Finished& run, const std::string& where) {
    expect_clean(run.output, where + ": stdout");
    expect_clean(run.error_output, where + ": stderr");
  }
  /// Every table of the schema, as text, and what the server shows of sessions.
  void expect_clean_database() {
    const pg::Rows tables =
        run(db,
            "SELECT c.oid::regclass::text FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v') AND "
            "c.relnamespace = 'embedd'::regnamespace");
    ASSERT_GT(tables.size(), 5);
    for (int i = 0; i < tables.size(); ++i)
      expect_clean(value(fmt::format("SELECT string_agg(t::text, ' ') FROM {} t", tables.text(i, 0))),
                   tables.text(i, 0));
    expect_clean(value("SELECT string_agg(application_name || query, ' ') FROM pg_stat_activity"),
                 "sessions");
    expect_clean(server.log(), "the server's log");
  }
  static std::string command_line(pid_t pid) {
    std::stringstream out;
    out << std::ifstream(fmt::format("/proc/{}/cmdline", pid), std::ios::binary).rdbuf();
    return out.str();
  }
};

TEST_F(Secrets, AppearNowhereWhileEverythingGoesWrong) {
  declare_docs();
  add_docs(60);
  // A provider that repeats the key in whatever it says.
  provider.poisons("POISON", Answer::error(400, "invalid_value", fmt::format("refused for Bearer {}", kKey)));
  sql("UPDATE docs SET body = 'POISON' WHERE slug = 'doc-30'");
  provider.answers_next(1, Answer::error(500, "server_error", fmt::format("crashed while serving {}", kKey)));
  provider.answers_next(1, Answer::raw(502, fmt::format("<html>{}</html>", kKey)));
  provider.answers_next(1, Answer::error(429, kKey, fmt::format("too fast, {}", kKey))
                               .with("retry-after-ms", "10")
                               .with("x-request-id", kKey)
                               .with("retry-after", kKey)
                               .with("x-ratelimit-limit-tokens", kKey));
  provider.answers_next(1, Answer::error(503, "overloaded", std::string(280, '.') + kKey));  // cut off within
  provider.answers_next(1, Answer::error(500, kHeader, base64(fmt::format("X-Api-Key: {}", kHeader))));
  provider.answers_next(1, Answer::broken(Fault::truncated));
  Embedd worker = start_worker();
  ASSERT_TRUE(eventually([&] { return dead_letters() == 1; }, seconds(60))) << worker.log();
  ASSERT_TRUE(wait_until_idle()) << worker.log();
  EXPECT_EQ(wrong_docs(), "doc-30(none) ");
  server.restart("immediate");
  db = database.connect();
  add_docs(5, "later");
  ASSERT_TRUE(wait_until_idle(seconds(120))) << worker.log();

  expect_clean(command_line(worker.pid()), "command line");
  for (const char* path : {"/livez", "/readyz", "/metrics", "/nothing"}) {
    const std::string body = worker.get(path);
    EXPECT_NE(body, "") << path;
    expect_clean(body, path);
  }
  EXPECT_THAT(value("SELECT message FROM embedd.dead_letters"), HasSubstr("refused for"));
  expect_clean_database();
  for (const std::vector<std::string>& command : {std::vector<std::string>{"status"},
                                                  {"status", "--json"},
                                                  {"dead", "list"},
                                                  {"vectorizer", "show", "docs"},
                                                  {"check"}})
    expect_clean(run_embedd(command), command.front());
  const Finished end = worker.stop();
  // Of the requests that fail at once only the first is logged; the refused row is always named.
  EXPECT_THAT(end.error_output, HasSubstr("refused for Bearer ***"))
      << "what was said is passed on, without the key";
  expect_clean(end, "worker");
}

TEST_F(Secrets, AppearInNoMessageAboutThemselves) {
  declare_docs();
  add_docs(5);
  provider.set_key("another");
  provider.answers_always(
      Answer::error(401, "invalid_api_key", fmt::format("Incorrect API key provided: {}", kKey)));
  Embedd worker = start_worker();
  ASSERT_TRUE(eventually([&] {
    return worker.metric("embedd_endpoint_state{endpoint=\"openai\",state=\"unauthenticated\"}") == 1;
  })) << worker.log();
  expect_clean(worker.get("/metrics"), "/metrics");
  expect_clean(worker.stop(), "worker with a refused key");
  expect_clean_database();

  const std::string nobody = fmt::format("postgresql://postgres:{}@127.0.0.1:1/x", kPassword);
  for (const std::string& url : {nobody, fmt::format("host=127.0.0.1 port=1 password={}", kPassword),
                                 fmt::format("postgresql://u:{}@[bad", kPassword),
                                 fmt::format("host=127.0.0.1 pasword={}", kPassword), std::string(kPassword)})
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"migrate"}, {"check"}, {"status"}}) {
      const Finished run = run_embedd(command, {{"DATABASE_URL", url}});
      EXPECT_NE(run.code, 0) << url;
      expect_clean(run, command.front() + " with " + url);
    }
}

/// A password that is a word must not be looked for in messages: they would tell it, and say nothing else.
TEST_F(Secrets, LeaveWordsAloneThatHappenToBeAPassword) {
  for (const char* password : {"o", "postgres", "on"}) {
    const Finished run = run_embedd(
        {"status"}, {{"DATABASE_URL", fmt::format("postgresql://postgres:{}@127.0.0.1:1/x", password)}});
    EXPECT_THAT(run.error_output, HasSubstr("Connection refused")) << password;
    EXPECT_THAT(run.error_output, HasSubstr("postgresql://postgres@127.0.0.1:1/x")) << password;
    EXPECT_THAT(run.error_output, Not(HasSubstr("***"))) << password;
  }
}

}  // namespace
}  // namespace embedd::test
