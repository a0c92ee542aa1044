// The dashboard over HTTP: its page, the status and its events, the history, and dead letters that a token
// may change.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>

#include "support/http_get.h"
#include "support/serve_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kDead = "/v1/vectorizers/notes/dead";

class DashboardHttp : public ServeTest {
 protected:
  void SetUp() override {
    ServeTest::SetUp();
    if (HasFatalFailure() || IsSkipped()) return;
    declare_notes();
    add_notes(6);
    embed_all();
  }
  /// Dead letters of the notes 1 to 4, of three kinds.
  void bury_notes() {
    sql("INSERT INTO embedd.dead_letters (vectorizer_id, key, kind, message, failed_at) "
        "SELECT v.id, jsonb_build_object('id', n), (ARRAY['rejected', 'too_large', 'rejected', "
        "'invalid'])[n], "
        "'because ' || n, now() - n * interval '1 day' "
        "FROM embedd.vectorizers v, generate_series(1, 4) n WHERE v.name = 'notes'");
  }
  std::string letters_left() {
    return value("SELECT coalesce(string_agg(key ->> 'id', ' ' ORDER BY key), '') FROM embedd.dead_letters");
  }
};

TEST_F(DashboardHttp, ItsPageNeedsNoTokenAndRunsNothingOfOthers) {
  serve({{"EMBEDD_API_TOKEN", kAll}});
  const SearchReply page = client->get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.header("content-type"), "text/html; charset=utf-8");
  EXPECT_THAT(page.header("content-security-policy"),
              AllOf(HasSubstr("default-src 'none'"), HasSubstr("script-src 'self'"),
                    HasSubstr("frame-ancestors 'none'"), Not(HasSubstr("unsafe"))));
  EXPECT_EQ(page.header("access-control-allow-origin"), "");
  EXPECT_THAT(page.body,
              AllOf(Not(HasSubstr("<style")), Not(HasSubstr(" style=")), Not(HasSubstr(" onclick="))));
  EXPECT_EQ(client->get("/dashboard/nothing.js").status, 404);
  EXPECT_EQ(client->get("/v1/status").status, 401);
  EXPECT_EQ(client->get("/v1/events").status, 401);
  EXPECT_EQ(client->get(kDead).status, 401);
}

TEST_F(DashboardHttp, StatusSaysWhatIsKnownAndWhatIsNot) {
  serve({{"EMBEDD_API_TOKEN", kAll}}, kAll);
  SearchReply status = client->get("/v1/status");
  ASSERT_EQ(status.status, 200) << status.body;
  EXPECT_EQ(at(status.body, "/vectorizers/0/name"), R"("notes")");
  EXPECT_EQ(at(status.body, "/vectorizers/0/condition"), R"("current")");
  EXPECT_EQ(at(status.body, "/vectorizers/0/rows"), R"({"all":6,"done":6,"exact":true})");
  EXPECT_EQ(at(status.body, "/vectorizers/0/text_search"), R"("pg_catalog.english")");
  EXPECT_EQ(at(status.body, "/vectorizers/0/rows_per_second"), "null");
  EXPECT_EQ(at(status.body, "/vectorizers/0/today/rows"), "6");
  EXPECT_EQ(at(status.body, "/workers"), "[]");
  EXPECT_EQ(at(status.body, "/rights/write"), "true");
  sql("UPDATE notes SET title = 'new'");
  sql("INSERT INTO notes (id, title, body) VALUES (7, 'seven', 'seven')");
  EXPECT_TRUE(eventually([&] {  // there is a pause between two readings
    status = client->get("/v1/status");
    return at(status.body, "/vectorizers/0/condition") == R"("no worker")";
  })) << status.body;
  EXPECT_EQ(at(status.body, "/vectorizers/0/rows"), R"({"all":7,"done":0,"exact":true})");
  EXPECT_EQ(at(status.body, "/vectorizers/0/seconds_to_finish"), "null");
}

TEST_F(DashboardHttp, ATokenSeesItsVectorizersAlone) {
  declare_articles();
  embed_all();
  serve_with(R"(vectorizers = ["notes"]
filter = '{"column": "stars", "op": ">", "value": 1}')");
  const SearchReply status = client->get("/v1/status");
  ASSERT_EQ(status.status, 200) << status.body;
  EXPECT_THAT(status.body, Not(HasSubstr("articles")));
  EXPECT_EQ(at(status.body, "/workers"), "null");
  EXPECT_EQ(at(status.body, "/rights/dead_letters"), "false") << "dead letters are of all rows";
  EXPECT_EQ(client->get(kDead).status, 403);
  EXPECT_EQ(client->get("/v1/vectorizers/articles/history").status, 404);
  EXPECT_EQ(client->get("/v1/vectorizers/notes/history").status, 200);
}

TEST_F(DashboardHttp, EventsComeUntilTheServerStops) {
  serve({{"EMBEDD_API_TOKEN", kAll}}, kAll);
  const Client watcher(port_of(*server));
  ASSERT_TRUE(watcher.send(
      fmt::format("GET /v1/events HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\r\n", kAll)));
  std::string seen;
  for (std::size_t events = 0; events < 2;) {
    std::array<char, 4096> some{};
    const ssize_t size = ::recv(watcher.descriptor(), some.data(), some.size(), 0);
    ASSERT_GT(size, 0) << seen;
    seen.append(some.data(), static_cast<std::size_t>(size));
    events = 0;
    for (std::size_t at = seen.find("event: status"); at != std::string::npos;
         at = seen.find("event: status", at + 1))
      ++events;
  }
  const Instant asked = std::chrono::steady_clock::now();
  EXPECT_EQ(server->stop().code, 0);
  seen += watcher.receive();
  EXPECT_LT(std::chrono::steady_clock::now() - asked, seconds(20))
      << "a server that stops waits for no watcher";
  EXPECT_THAT(seen, AllOf(HasSubstr("Content-Type: text/event-stream"), Not(HasSubstr("Content-Length"))));
  const std::size_t first = seen.find("event: status\ndata: {"),
                    second = seen.find("event: status\ndata: {", first + 1);
  ASSERT_NE(second, std::string::npos) << seen;
  const std::size_t begin = seen.find('{', first);
  EXPECT_EQ(at(seen.substr(begin, seen.find("\n\n", begin) - begin), "/vectorizers/0/rows/done"), "6");
}

TEST_F(DashboardHttp, AStatusThatWaitsForALockIsGivenUpAndHoldsUpNoStop) {
  if (target() == Target::pgbouncer)
    GTEST_SKIP() << "a pooler shares sessions: only its own settings bound them";
  serve({{"EMBEDD_API_TOKEN", kAll}}, kAll);
  sql("BEGIN");
  sql("LOCK TABLE embedd.vectorizers IN ACCESS EXCLUSIVE MODE");
  const SearchReply status = client->get("/v1/status");
  EXPECT_EQ(status.status, 503) << status.body;
  EXPECT_TRUE(server->wait_for_log("\"event\":\"status_not_read\"")) << server->log();
  EXPECT_EQ(server->stop().code, 0);
  sql("ROLLBACK");
}

TEST_F(DashboardHttp, ATableThatIsLockedHidesNoOther) {
  if (target() == Target::pgbouncer)
    GTEST_SKIP() << "a pooler shares sessions: only its own settings bound them";
  declare_articles();
  embed_all();
  serve({{"EMBEDD_API_TOKEN", kAll}}, kAll);
  sql("BEGIN");
  sql("LOCK TABLE notes IN ACCESS EXCLUSIVE MODE");
  const SearchReply status = client->get("/v1/status");
  sql("ROLLBACK");
  EXPECT_EQ(status.status, 200) << status.body;
  EXPECT_THAT(status.body, AllOf(HasSubstr(R"("name":"articles")"), HasSubstr(R"("name":"notes")")));
}

TEST_F(DashboardHttp, ALetterThatAUserIsAboutToRemoveIsPassedOver) {
  bury_notes();
  serve({{"EMBEDD_API_TOKEN", kAll}}, kAll);
  sql("BEGIN");
  sql("DELETE FROM embedd.dead_letters WHERE key ->> 'id' = '1'");
  EXPECT_EQ(at(client->post(kDead + std::string("/retry"), R"({"kind": "rejected"})").body, "/rows"), "1");
  EXPECT_EQ(at(client->post(kDead + std::string("/purge"), R"({"kind": "rejected"})").body, "/rows"), "0");
  sql("ROLLBACK");
  EXPECT_EQ(letters_left(), "1 2 4");
}

TEST_F(DashboardHttp, ARetryGivesWayToAnOpenTransaction) {
  bury_notes();
  serve({{"EMBEDD_API_TOKEN", kAll}}, kAll);
  sql("INSERT INTO embedd.queue_1 (k1) VALUES (3)");
  sql("BEGIN");
  sql("UPDATE embedd.queue_1 SET attempt = 1 WHERE k1 = 3");
  const SearchReply reply = client->post(kDead + std::string("/retry"), R"({"kind": "rejected"})");
  sql("ROLLBACK");
  EXPECT_EQ(reply.status, 503) << reply.body;
  EXPECT_THAT(reply.body, HasSubstr("try again"));
  EXPECT_EQ(letters_left(), "1 2 3 4");
}

TEST_F(DashboardHttp, DeadLettersAreListedByFilter) {
  bury_notes();
  serve({{"EMBEDD_API_TOKEN", kAll}}, kAll);
  const SearchReply all = client->get(kDead);
  ASSERT_EQ(all.status, 200) << all.body;
  EXPECT_EQ(at(all.body, "/kinds"), R"({"invalid":1,"rejected":2,"too_large":1})");
  EXPECT_EQ(at(all.body, "/dead_letters/0/key"), R"({"id":1})");
  EXPECT_EQ(at(all.body, "/dead_letters/0/message"), R"("because 1")");
  EXPECT_EQ(at(all.body, "/more"), "false");
  EXPECT_EQ(at(client->get(std::string(kDead) + "?limit=3").body, "/more"), "true");
  const struct {
    const char *query, *first, *second;
  } cases[] = {
      {"?kind=rejected", R"({"id":1})", R"({"id":3})"},
      {"?key=2", R"({"id":2})", ""},
      {"?key=%7B%22id%22%3A%203%7D", R"({"id":3})", ""},
      {"?older_than=60h", R"({"id":3})", R"({"id":4})"},
      {"?newer_than=60h&kind=too_large", R"({"id":2})", ""},
      {"?kind=none", "", ""},
  };
  for (const auto& each : cases) {
    const SearchReply reply = client->get(std::string(kDead) + each.query);
    EXPECT_EQ(at(reply.body, "/dead_letters/0/key"), each.first) << each.query << reply.body;
    EXPECT_EQ(at(reply.body, "/dead_letters/1/key"), each.second) << each.query;
  }
  EXPECT_EQ(client->get("/v1/vectorizers/none/dead").status, 404);
  for (const char* wrong :
       {"?limit=0", "?limit=x", "?limit=1001", "?sort=kind", "?older_than=soon", "?kind=%", "?key=%7B"})
    EXPECT_EQ(client->get(std::string(kDead) + wrong).status, 400) << wrong;
}

TEST_F(DashboardHttp, AWriteTokenChangesTheDeadLettersItNames) {
  bury_notes();
  serve({{"EMBEDD_API_TOKEN", kAll}}, kAll);
  for (const char* nothing : {"{}", R"({"kind": null})", R"({"kind": ""})", "[]", R"({"all": true})", ""})
    EXPECT_EQ(client->post(kDead + std::string("/purge"), nothing).status, 400) << nothing;
  EXPECT_EQ(letters_left(), "1 2 3 4") << "an empty filter is nobody's wish";
  EXPECT_EQ(at(client->post(kDead + std::string("/retry"), R"({"kind": "rejected"})").body, "/rows"), "2");
  EXPECT_EQ(letters_left(), "2 4");
  EXPECT_EQ(value("SELECT count(*) FROM embedd.queue_1"), "2");
  EXPECT_EQ(at(client->post(kDead + std::string("/purge"), R"({"key": {"id": 4}})").body, "/rows"), "1");
  EXPECT_EQ(at(client->post(kDead + std::string("/purge"), R"({"key": 2, "kind": "other"})").body, "/rows"),
            "0");
  EXPECT_EQ(letters_left(), "2");
}

TEST_F(DashboardHttp, NobodyElseChangesAnything) {
  bury_notes();
  const std::string purge = kDead + std::string("/purge"), body = R"({"kind": "rejected"})";
  serve();
  SearchReply reply = client->post(purge, body);
  EXPECT_EQ(reply.status, 403) << "without tokens";
  EXPECT_THAT(reply.body, HasSubstr("set EMBEDD_API_TOKEN"));
  EXPECT_EQ(at(client->get("/v1/status").body, "/rights/write"), "false");
  server.reset();
  serve_with("write = true\n");
  reply = client->post(purge, body);
  EXPECT_EQ(reply.status, 403);
  EXPECT_THAT(reply.body, HasSubstr("dead_letters = true in [token.some]"));
  SearchClient owner(port_of(*server), kAll);
  EXPECT_EQ(owner.post(purge, body, {"Origin: http://evil.example"}).status, 403) << "another host's page";
  EXPECT_EQ(owner.post(purge, body, {"Content-Type: text/plain"}).status, 415);
  EXPECT_EQ(owner.get(purge).status, 405);
  EXPECT_EQ(letters_left(), "1 2 3 4");
}

/// Browsers send a page's request to another host without asking that host, if the request is plain enough.
TEST_F(DashboardHttp, APageOfAnotherHostGetsNothing) {
  serve();
  const std::string json = "Content-Type: application/json";
  for (const char* origin : {"Origin: http://evil.example", "Origin: null"}) {
    EXPECT_EQ(client->get("/v1/status", {origin}).status, 403) << origin;
    EXPECT_EQ(client->post("/v1/vectorizers/notes/search", R"({"query": "river"})", {json, origin}).status,
              403)
        << origin;
  }
  EXPECT_EQ(client
                ->post("/v1/vectorizers/notes/search", R"({"query": "river"})",
                       {json, "Origin: http://127.0.0.1:3000"})
                .status,
            200);
}

TEST_F(DashboardHttp, AShortRunOfOnceIsInTheHistory) {
  EXPECT_EQ(value("SELECT sum(rows) FROM embedd.history"), "6");
}

TEST_F(DashboardHttp, HistoryIsWhatWorkersRecorded) {
  serve();
  const SearchReply history = client->get("/v1/vectorizers/notes/history");
  ASSERT_EQ(history.status, 200) << history.body;
  EXPECT_EQ(at(history.body, "/step_seconds"), "60");
  EXPECT_NE(at(history.body, "/at/0"), "")
      << "the worker that has embedded the rows has recorded its first minute";
  for (const char* key : {"/jobs/0", "/dead_letters/0", "/rows/0", "/tokens/0", "/freshness_p50_seconds/0"})
    EXPECT_NE(at(history.body, key), "") << key;
  sql("DELETE FROM embedd.history");
  sql("INSERT INTO embedd.history (vectorizer_id, at, jobs, dead_letters, rows, tokens, fresh) "
      "SELECT v.id, date_trunc('minute', now()) - n * interval '1 minute', n, 1, 10, 7, ARRAY[0, 0, 2, 1] "
      "FROM embedd.vectorizers v, generate_series(0, 2) n WHERE v.name = 'notes'");
  const std::string hour = client->get("/v1/vectorizers/notes/history").body;
  EXPECT_EQ(at(hour, "/jobs"), "[2,1,0]");
  EXPECT_EQ(at(hour, "/rows"), "[10,10,10]");
  const std::string week = client->get("/v1/vectorizers/notes/history?minutes=10080").body;
  EXPECT_EQ(at(week, "/step_seconds"), "840");
  EXPECT_EQ(client->get("/v1/vectorizers/notes/history?minutes=10081").status, 400);
  EXPECT_EQ(client->get("/v1/vectorizers/notes/history?hours=1").status, 400);
  EXPECT_TRUE(
      eventually([&] { return at(client->get("/v1/status").body, "/vectorizers/0/freshness/rows") == "9"; }));
}

}  // namespace
}  // namespace embedd::test
