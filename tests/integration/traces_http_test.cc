// The traces service over HTTP: the routes, shapes and refusals that clients of the first user's own server
// expect.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <simdjson.h>

#include <atomic>
#include <cmath>
#include <set>
#include <thread>
#include <vector>

#include "support/traces_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr const char* kWriter = "0123456789abcdef-writer";
constexpr const char* kReader = "0123456789abcdef-reader";
constexpr const char* kTenant = "0123456789abcdef-tenant";

class TracesHttp : public TracesTest {
 protected:
  void SetUp() override {
    create_their_tables();
    init_full();
  }
  /// Three traces, of which 01 and 02 are about the same.
  void add_three() {
    add_trace("01", "Connection pool exhausted", "Set the size of the pool to the number of workers");
    add_trace("02", "Connection pool exhausted again", "Set the size of the pool to the number of workers");
    add_trace("03", "Hot reload in a container", "Poll the files, because events do not cross the mount");
    for (const char* id : {"01", "02"}) tag(id, "postgres");
    tag("02", "pool");
    tag("03", "docker");
    ASSERT_EQ(work_once().code, 0);
  }
  SearchReply find(const std::string& body) { return client->post("/api/v1/traces/search", body); }
  /// The last two digits of each result's id.
  static std::string ids(const std::string& answer) {
    simdjson::dom::parser parser;
    simdjson::dom::array results;
    if (parser.parse(answer).at_pointer("/results").get(results)) return "no results in " + answer;
    std::string out;
    for (const simdjson::dom::element result : results) {
      std::string_view id;
      if (result["id"].get(id)) return "no id in " + answer;
      out += std::string(out.empty() ? "" : " ") + std::string(id.substr(34));
    }
    return out;
  }
  /// Serves clients with the tokens kWriter, kReader and kTenant; the client is the writer.
  void serve_tokens() {
    files.write("embedd.toml", fmt::format(R"([token.writer]
secret = {{ env = "WRITER" }}
write = true
contributor = "{}"
[token.reader]
secret = {{ env = "READER" }}
requests_per_minute = 5
[token.tenant]
secret = {{ env = "TENANT" }}
write = true
filter = '{{"column": "trace_type", "op": "=", "value": "pattern"}}'
)",
                                           uuid("99")));
    serve({{"EMBEDD_CONFIG", files.file("embedd.toml")},
           {"WRITER", kWriter},
           {"READER", kReader},
           {"TENANT", kTenant}},
          kWriter);
  }
};

constexpr const char* kNew =
    R"({"title": "A title", "context_text": "where", "solution_text": "what to do", "tags": [" TLS ", "Übung", "tls"]})";

TEST_F(TracesHttp, FindTheNearestThatAreTrustedMost) {
  add_three();
  serve();
  const SearchReply reply = find(R"({"q": "connection pool exhausted", "limit": 2})");
  ASSERT_EQ(reply.status, 200) << reply.body;
  EXPECT_EQ(ids(reply.body), "01 02");
  EXPECT_EQ(at(reply.body, "/total"), "2");
  EXPECT_EQ(at(reply.body, "/query"), "\"connection pool exhausted\"");
  const double similarity = std::stod(at(reply.body, "/results/0/similarity_score"));
  EXPECT_GT(similarity, 0.3);
  EXPECT_NEAR(std::stod(at(reply.body, "/results/0/combined_score")), similarity * std::log(2), 1e-9);
  sql(fmt::format("UPDATE traces SET trust_score = 5 WHERE id = '{}'", uuid("02")));
  sql(fmt::format("UPDATE traces SET trust_score = -5 WHERE id = '{}'", uuid("01")));
  const SearchReply trusted = client->post("/v1/traces/search", R"({"q": "connection pool exhausted"})");
  EXPECT_EQ(ids(trusted.body).substr(0, 5), "02 01") << "below /v1 as well";
  EXPECT_NEAR(std::stod(at(trusted.body, "/results/0/combined_score")),
              std::stod(at(trusted.body, "/results/0/similarity_score")) * std::log(7), 1e-9);
  EXPECT_NEAR(std::stod(at(trusted.body, "/results/1/combined_score")),
              std::stod(at(trusted.body, "/results/1/similarity_score")) * std::log(2), 1e-9)
      << "distrust counts as no trust";
}

TEST_F(TracesHttp, ComeInTheOrderOfTheOwnersScore) {
  add_three();
  serve();
  ASSERT_EQ(run_embedd({"vectorizer", "score", "traces", "ln(trust_score + 1)"}).code, 0);
  sql(fmt::format("UPDATE traces SET trust_score = 5 WHERE id = '{}'", uuid("03")));
  const std::string query = R"({"q": "connection pool exhausted"})";
  const SearchReply scored = find(query);
  ASSERT_EQ(scored.status, 200) << scored.body;
  EXPECT_EQ(ids(scored.body).substr(0, 2), "03");
  EXPECT_NEAR(std::stod(at(scored.body, "/results/0/combined_score")), std::log(6), 1e-9);
  EXPECT_EQ(at(scored.body, "/degraded"), "");
  sql(fmt::format("UPDATE traces SET trust_score = -1 WHERE id = '{}'", uuid("02")));
  const SearchReply failed = find(query);
  ASSERT_EQ(failed.status, 200) << failed.body;
  EXPECT_EQ(at(failed.body, "/degraded/reason"), "\"score_failed\"") << failed.body;
  EXPECT_NEAR(std::stod(at(failed.body, "/results/0/combined_score")),
              std::stod(at(failed.body, "/results/0/similarity_score")) * std::log(2), 1e-9)
      << "the nearest, which nobody trusts";
}

TEST_F(TracesHttp, AnswerWithEveryFieldOfATrace) {
  add_three();
  sql(fmt::format(
      "UPDATE traces SET context_fingerprint = '{{\"os\": \"linux\"}}', valid_until = '2026-01-02 "
      "03:04:05+00', somatic_intensity = 0.5, retrieval_count = 7 WHERE id = '{}'",
      uuid("02")));
  int strength = 1;
  for (const char* target : {"01", "03"})
    sql(fmt::format(
        "INSERT INTO trace_relationships (id, source_trace_id, target_trace_id, relationship_type, "
        "strength) VALUES (gen_random_uuid(), '{}', '{}', 'CO_RETRIEVED', {})",
        uuid("02"), uuid(target), strength++));
  ASSERT_EQ(work_once().code, 0);
  serve();
  const SearchReply reply = find(R"({"q": "connection pool exhausted again", "tags": ["POOL "]})");
  ASSERT_EQ(ids(reply.body), "02");
  const std::pair<const char*, const char*> fields[] = {
      {"title", R"("Connection pool exhausted again")"},
      {"context_text", R"("context")"},
      {"trust_score", "0"},
      {"status", R"("validated")"},
      {"tags", R"(["pool","postgres"])"},
      {"contributor_id", R"("00000000-0000-0000-0000-000000000099")"},
      {"contributor_name", R"("Ada")"},
      {"retrieval_count", "7"},
      {"depth_score", "0"},
      {"somatic_intensity", "0.5"},
      {"impact_level", R"("normal")"},
      {"trace_type", R"("episodic")"},
      {"context_fingerprint", R"({"os":"linux"})"},
      {"convergence_level", "null"},
      {"memory_temperature", "null"},
      {"valid_from", "null"},
      {"valid_until", R"("2026-01-02T03:04:05+00:00")"},
      {"related_traces/0/title", R"("Hot reload in a container")"},
      {"related_traces/0/relationship_type", R"("CO_RETRIEVED")"},
      {"related_traces/0/strength", "2"},
      {"related_traces/1/id", R"("00000000-0000-0000-0000-000000000001")"}};
  for (const auto& [name, json] : fields)
    EXPECT_EQ(at(reply.body, fmt::format("/results/0/{}", name)), json) << name;
  EXPECT_THAT(at(reply.body, "/results/0/created_at"), HasSubstr("+00:00"));

  const SearchReply one = client->get("/api/v1/traces/" + uuid("02"));
  EXPECT_EQ(one.status, 200) << one.body;
  EXPECT_EQ(at(one.body, "/id"), '"' + uuid("02") + '"');
  EXPECT_EQ(at(one.body, "/tags"), R"(["pool","postgres"])");
  EXPECT_EQ(at(one.body, "/is_flagged"), "false");
  EXPECT_EQ(at(one.body, "/confirmation_count"), "0");
  EXPECT_EQ(at(one.body, "/related_traces/1/strength"), "1");
  EXPECT_EQ(client->get("/v1/traces/" + uuid("77")).status, 404);
  EXPECT_EQ(client->get("/v1/traces/not-a-uuid").status, 422);
  EXPECT_EQ(client->get("/v1/tags").body, "{\"tags\":[\"docker\",\"pool\",\"postgres\"]}\n");
}

TEST_F(TracesHttp, FindByTagsAloneWhatIsTrustedMost) {
  add_three();
  sql(fmt::format("UPDATE traces SET trust_score = 2 WHERE id = '{}'", uuid("02")));
  serve({{"OPENAI_API_KEY", ""}});
  const SearchReply reply = find(R"({"tags": [" Postgres"]})");
  EXPECT_EQ(ids(reply.body), "02 01");
  EXPECT_EQ(std::stod(at(reply.body, "/results/0/similarity_score")), 0);
  EXPECT_EQ(std::stod(at(reply.body, "/results/0/combined_score")), 2);
  EXPECT_EQ(at(reply.body, "/query"), "null");
  EXPECT_EQ(ids(find(R"({"tags": ["postgres", "pool", "pool"]})").body), "02") << "all of them";
  EXPECT_EQ(ids(find(R"({"tags": ["postgres", "docker"]})").body), "");
  EXPECT_EQ(ids(find(R"({"tags": ["postgres, docker"]})").body), "");
  EXPECT_EQ(ids(find(R"({"tags": ["it's \"{}\\ &"]})").body), "");
}

TEST_F(TracesHttp, LeaveOutWhatIsFlaggedAndOnRequestWhatIsExpired) {
  add_three();
  sql(fmt::format("UPDATE traces SET is_flagged = true WHERE id = '{}'", uuid("01")));
  sql(fmt::format("UPDATE traces SET valid_until = now() - interval '1 day' WHERE id = '{}'", uuid("02")));
  sql(fmt::format("UPDATE traces SET valid_until = now() + interval '1 day' WHERE id = '{}'", uuid("03")));
  serve();
  for (const char* by : {R"("q": "connection pool")", R"("tags": ["postgres"])"}) {
    EXPECT_EQ(ids(find(fmt::format("{{{}}}", by)).body).substr(0, 2), "02");
    EXPECT_THAT(ids(find(fmt::format(R"({{{}, "include_expired": false}})", by)).body), Not(HasSubstr("02")));
  }
  EXPECT_EQ(
      ids(find(R"({"q": "connection pool", "include_expired": false, "context": {"os": "linux"}})").body),
      "03");
}

TEST_F(TracesHttp, CompareOnlyVectorsOfTheQuerysModel) {
  add_three();
  sql(fmt::format("UPDATE traces SET embedding_model_id = 'text-embedding-ada-002' WHERE id = '{}'",
                  uuid("01")));
  serve();
  EXPECT_EQ(ids(find(R"({"q": "connection pool exhausted"})").body), "02 03");
  EXPECT_THAT(ids(find(R"({"tags": ["postgres"]})").body), HasSubstr("01"));
}

TEST_F(TracesHttp, GoOnAfterLostConnectionsAndChangesOfTheTables) {
  add_three();
  serve();
  const auto lose_connections = [&] {
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND "
        "pid <> pg_backend_pid()");
    if (target() != Target::pgbouncer) return;
    // The pooler hands out lost connections, perhaps several, until it has noticed.
    EXPECT_TRUE(eventually([&] {
      for (int i = 0; i < 10; ++i, std::this_thread::sleep_for(milliseconds(50)))
        if (client->get("/v1/tags").status != 200) return false;
      return true;
    }));
  };
  for (int i = 0; i < 5; ++i) ASSERT_EQ(find(R"({"tags": ["postgres"]})").status, 200);
  lose_connections();
  EXPECT_EQ(find(R"({"q": "connection"})").status, 200);
  lose_connections();
  EXPECT_EQ(client->get("/v1/tags").status, 200);

  sql("ALTER TABLE traces DROP COLUMN convergence_level");
  EXPECT_EQ(at(find(R"({"tags": ["pool"]})").body, "/results/0/convergence_level"), "null");
  sql("ALTER TABLE traces ADD COLUMN contributor_name text DEFAULT 'Grace'");
  EXPECT_TRUE(eventually(
      [&] { return at(find(R"({"tags": ["pool"]})").body, "/results/0/contributor_name") == "\"Grace\""; }));
  sql("ALTER TABLE traces ALTER impact_level TYPE text");
  EXPECT_EQ(at(find(R"({"tags": ["pool"]})").body, "/results/0/impact_level"), "\"normal\"");
  sql("DROP TABLE trace_relationships");
  const SearchReply reply = find(R"({"q": "connection", "tags": ["pool"]})");
  EXPECT_EQ(at(reply.body, "/results/0/related_traces"), "[]") << reply.body;
  sql("DROP TABLE trace_tags");
  EXPECT_EQ(at(find(R"({"q": "connection", "limit": 1})").body, "/results/0/tags"), "[]");
  EXPECT_EQ(client->get("/v1/tags").body, "{\"tags\":[]}\n");
}

TEST_F(TracesHttp, AddTheSameTagsAtTheSameTime) {
  serve_tokens();
  constexpr int kClients = 8, kEach = 5;
  std::vector<std::thread> clients;
  std::atomic<int> added = 0;
  for (int c = 0; c < kClients; ++c)
    clients.emplace_back([&, c] {
      SearchClient mine(port_of(*server), kWriter);
      for (int i = 0; i < kEach; ++i) {
        const std::string tags = c % 2 == 0 ? fmt::format(R"(["a{0}", "b{0}", "c"])", i)
                                            : fmt::format(R"(["c", "b{0}", "a{0}"])", i);
        added +=
            mine.post("/v1/traces", fmt::format(R"({{"title": "t", "context_text": "c", "solution_text": )"
                                                R"("s", "tags": {}}})",
                                                tags))
                .status == 202;
      }
    });
  for (std::thread& each : clients) each.join();
  EXPECT_EQ(added, kClients * kEach);
  EXPECT_EQ(number("SELECT count(*) FROM tags"), 2 * kEach + 1);
  EXPECT_EQ(number("SELECT count(*) FROM trace_tags"), 3 * kClients * kEach)
      << "each trace has its three tags";
}

TEST_F(TracesHttp, FindAmongManyFlaggedOnesTheOthers) {
  sql(fmt::format(
      "INSERT INTO traces (id, title, context_text, solution_text, status, trust_score, confirmation_count, "
      "contributor_id, is_seed, is_stale, is_flagged) SELECT ('00000000-0000-0000-0000-' || "
      "lpad(i::text, 12, '0'))::uuid, 'connection pool ' || i, 'c', 's', 'pending', 0, 0, '{}', false, "
      "false, i % 20 <> "
      "0 FROM generate_series(1, 1000) i",
      uuid("99")));
  ASSERT_EQ(work_once().code, 0);
  serve();
  EXPECT_EQ(at(find(R"({"q": "connection pool", "limit": 50})").body, "/total"), "50");
}

TEST_F(TracesHttp, RefuseWrongRequestsByField) {
  add_three();
  serve();
  struct Case {
    std::string path, body, says;
  };
  const std::string tags11 = R"(["1","2","3","4","5","6","7","8","9","10","11"])";
  const Case cases[] = {
      {"search", "{}", "\"detail\":\"At least one of 'q' or 'tags' must be provided\""},
      {"search", R"({"q": " ", "tags": []})", "At least one of"},
      {"search", R"({"q": 5})", R"("errors":[{"field":"q")"},
      {"search", R"({"q": ")" + std::string(2001, 'x') + "\"}",
       R"("field":"q","message":"must have at most 2000)"},
      {"search", R"({"tags": )" + tags11 + "}", R"("field":"tags","message":"must have at most 10)"},
      {"search", R"({"tags": ["a", "  "]})", R"("field":"tags[1]")"},
      {"search", R"({"tags": [")" + std::string(51, 'x') + "\"]}", "at most 50 characters, not 51"},
      {"search", R"({"q": "a", "limit": 51})", R"("field":"limit")"},
      {"search", R"({"q": "a", "limit": 0})", R"("field":"limit")"},
      {"search", R"({"q": "a", "context": []})", R"("field":"context")"},
      {"search", R"({"q": "a", "include_expired": 1})", R"("field":"include_expired")"},
      {"search", R"({"q": "a", "nonsense": 1})", R"("field":"nonsense")"},
      {"search", "{", "is not JSON"},
      {"", "{}", R"("field":"title")"},
      {"", R"({"title": "t", "context_text": "c", "solution_text": " "})", R"("field":"solution_text")"},
      {"", R"({"title": ")" + std::string(501, 'x') + R"(", "context_text": "c", "solution_text": "s"})",
       R"("field":"title","message":"must have at most 500)"},
  };
  for (const Case& c : cases) {
    const SearchReply reply = client->post("/api/v1/traces" + (c.path.empty() ? "" : "/" + c.path), c.body);
    EXPECT_EQ(reply.status, 422) << c.body;
    EXPECT_EQ(reply.header("content-type"), "application/problem+json");
    EXPECT_THAT(reply.body, HasSubstr(c.says));
  }
  EXPECT_EQ(find(R"({"q": ")" + std::string(2000, 'x') + "\"}").status, 200);
  const std::string large = fmt::format(R"({{"q": "{}"}})", std::string(1 << 20, 'x'));
  EXPECT_EQ(find(large).status, 413);
  EXPECT_EQ(client->get("/api/v1/traces").status, 405);
  EXPECT_EQ(client->get("/api/v1/tracesabc").status, 404);
  EXPECT_EQ(client->get("/api/v1/vectorizers").status, 404) << "only traces were below /api";
  EXPECT_EQ(client->get("/api/v1/tags", {"X-Request-ID: abc-1"}).header("x-request-id"), "abc-1");
}

TEST_F(TracesHttp, AddATraceThatItsWordsFindOnceItIsEmbedded) {
  serve_tokens();
  const SearchReply added = client->post("/api/v1/traces", kNew);
  ASSERT_EQ(added.status, 202) << added.body;
  EXPECT_EQ(at(added.body, "/status"), "\"pending\"");
  EXPECT_THAT(at(added.body, "/message"), HasSubstr("stored"));
  const std::string id = at(added.body, "/id").substr(1, 36);
  const SearchReply one = client->get("/api/v1/traces/" + id);
  EXPECT_EQ(at(one.body, "/tags"),
            "[\"tls\",\"\xc3\xbc"
            "bung\"]")
      << "each once, in lower case";
  EXPECT_EQ(at(one.body, "/contributor_name"), "\"Ada\"");
  EXPECT_EQ(at(find(R"({"q": "A title"})").body, "/total"), "0");
  ASSERT_EQ(work_once().code, 0);
  EXPECT_EQ(at(find(R"({"q": "A title"})").body, "/results/0/id"), '"' + id + '"');
  EXPECT_EQ(at(find(R"({"tags": ["ÜBUNG"]})").body, "/results/0/id"), '"' + id + '"');

  const SearchReply more = client->post(
      "/v1/traces",
      R"({"title": "t", "context_text": "c", "solution_text": "s", "tags": ["tls", "new"], "agent_model": "m",)"
      R"( "metadata_json": {"a": [1]}, "context_fingerprint": {"os": "bsd"}, "review_after": "2027-01-02T00:00:00Z"})");
  ASSERT_EQ(more.status, 202) << more.body;
  EXPECT_EQ(
      value("SELECT concat_ws(' ', agent_model, metadata_json, context_fingerprint->>'os', review_after "
            "> now(), is_seed) FROM traces WHERE title = 't'"),
      "m {\"a\":[1]} bsd t f");
  EXPECT_EQ(value("SELECT string_agg(name, ' ' ORDER BY name) FROM tags"),
            "new tls \xc3\xbc"
            "bung");
  const SearchReply wrong = client->post(
      "/v1/traces", R"({"title": "t", "context_text": "c", "solution_text": "s", "review_after": "soon"})");
  EXPECT_EQ(wrong.status, 422);
  EXPECT_THAT(wrong.body, HasSubstr("does not fit its column"));
}

TEST_F(TracesHttp, KeepToTheRightsOfATokenInEitherHeader) {
  add_three();
  sql(fmt::format("UPDATE traces SET trace_type = 'pattern' WHERE id IN ('{}', '{}')", uuid("01"),
                  uuid("03")));
  sql(fmt::format(
      "INSERT INTO trace_relationships (id, source_trace_id, target_trace_id, relationship_type) VALUES "
      "(gen_random_uuid(), '{0}', '{1}', 'A'), (gen_random_uuid(), '{0}', '{2}', 'B')",
      uuid("01"), uuid("02"), uuid("03")));
  serve_tokens();
  SearchClient anyone(port_of(*server));
  const auto key = [](const char* token) {
    return std::vector<std::string>{std::string("X-API-Key: ") + token};
  };
  EXPECT_EQ(anyone.get("/api/v1/tags").status, 401);
  EXPECT_EQ(anyone.get("/api/v1/tags", key("0123456789abcdef-wrong")).status, 401);
  EXPECT_EQ(anyone.get("/api/v1/tags", key(kWriter)).status, 200);
  EXPECT_EQ(anyone.get("/v1/vectorizers", key(kWriter)).status, 200) << "the other routes too";

  const SearchReply reader = anyone.post("/v1/traces", kNew, key(kReader));
  EXPECT_EQ(reader.status, 403) << reader.body;
  EXPECT_THAT(reader.body, HasSubstr("set write = true"));
  EXPECT_EQ(anyone.post("/v1/traces", kNew, key(kTenant)).status, 403);
  EXPECT_EQ(value("SELECT count(*) FROM traces"), "3");

  const auto tenant = key(kTenant);
  EXPECT_EQ(ids(anyone.post("/v1/traces/search", R"({"q": "connection pool"})", tenant).body), "01 03");
  EXPECT_EQ(ids(anyone.post("/v1/traces/search", R"({"tags": ["postgres"]})", tenant).body), "01");
  EXPECT_EQ(anyone.get("/v1/traces/" + uuid("02"), tenant).status, 404);
  const SearchReply one = anyone.get("/v1/traces/" + uuid("01"), tenant);
  EXPECT_EQ(at(one.body, "/related_traces/0/relationship_type"), "\"B\"");
  EXPECT_EQ(at(one.body, "/related_traces/1"), "");
  EXPECT_EQ(anyone.get("/v1/tags", tenant).body, "{\"tags\":[\"docker\",\"postgres\"]}\n");

  SearchReply last;
  for (int i = 0; i < 6 && last.status != 429; ++i) last = anyone.get("/api/v1/tags", key(kReader));
  EXPECT_EQ(last.status, 429);
  EXPECT_EQ(last.header("retry-after"), "60");
}

TEST_F(TracesHttp, WantAContributorWhereTheTableDoes) {
  serve();
  const SearchReply refused = client->post("/v1/traces", kNew);
  EXPECT_EQ(refused.status, 403);
  EXPECT_THAT(refused.body, HasSubstr("contributor"));
  sql("ALTER TABLE traces ALTER contributor_id DROP NOT NULL");
  ASSERT_TRUE(eventually([&] { return client->post("/v1/traces", kNew).status == 202; }));
  EXPECT_EQ(value("SELECT count(*) FROM traces"), "1");
}

TEST_F(TracesHttp, CountUnderTheNamesThatTheirDashboardsRead) {
  add_three();
  serve({{"EMBEDD_METRICS_PREFIX", "commontrace"}});
  find(R"({"q": "connection"})");
  find(R"({"tags": ["pool"]})");
  find(R"({"tags": ["pool"], "q": "a"})");
  const std::string metrics = client->get("/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("commontrace_search_requests_total{has_tags=\"true\"} 2"));
  EXPECT_THAT(metrics, HasSubstr("commontrace_search_requests_total{has_tags=\"false\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("commontrace_search_duration_seconds_count 3"));
  EXPECT_THAT(metrics, HasSubstr("embedd_http_requests_total{route=\"traces_search\",status=\"200\"} 3"));
}

/// Every bound of the document is the server's.
TEST_F(TracesHttp, TheDocumentIsTrue) {
  add_three();
  serve();
  simdjson::dom::parser parser, answers;
  const std::string document = client->get("/openapi.json").body;
  const simdjson::dom::element schemas = parser.parse(document)["components"]["schemas"];
  const std::string found = find(R"({"q": "connection pool"})").body;
  const std::string read = client->get("/v1/traces/" + uuid("01")).body;
  const std::pair<const char*, simdjson::dom::element> shown[] = {
      {"FoundTrace", answers.parse(found)["results"].at(0)}};
  for (const auto& [name, answer] : shown) {
    std::set<std::string> said, given;
    for (const auto& [field, schema] : simdjson::dom::object(schemas[name]["properties"]))
      said.emplace(field);
    for (const auto& [field, value] : simdjson::dom::object(answer)) given.emplace(field);
    EXPECT_EQ(said, given) << name;
  }
  std::set<std::string> said, given;
  for (const auto& [field, schema] : simdjson::dom::object(schemas["Trace"]["properties"]))
    said.emplace(field);
  for (const auto& [field, value] : simdjson::dom::object(answers.parse(read))) given.emplace(field);
  EXPECT_EQ(said, given);
  for (const auto& [name, path] :
       {std::pair{"TraceSearch", "/v1/traces/search"}, {"NewTrace", "/v1/traces"}}) {
    const std::string wrong = client->post(path, R"({"nonsense": 1})").body;
    for (const auto& [field, schema] : simdjson::dom::object(schemas[name]["properties"]))
      EXPECT_THAT(wrong, HasSubstr(std::string(field)));
  }
}

class TracesWithoutKey : public TracesTest {};

TEST_F(TracesWithoutKey, AreFoundByTagsAndNotByMeaning) {
  create_their_tables();
  ASSERT_EQ(run_embedd({"traces", "init"}).code, 0);
  add_trace("01", "Connection pool exhausted", "Set the size of the pool to the number of workers");
  serve({{"OPENAI_API_KEY", ""}});
  const SearchReply near = client->post("/api/v1/traces/search", R"({"q": "pool", "tags": ["x"]})");
  EXPECT_EQ(near.status, 503) << near.body;
  EXPECT_THAT(near.body, HasSubstr("no_api_key"));
  EXPECT_EQ(client->post("/api/v1/traces/search", R"({"tags": ["x"]})").status, 200);
}

class TracesPlain : public TracesTest {};

/// Whoever copies an example of the document gets an answer.
TEST_F(TracesPlain, TheExamplesOfTheDocumentWork) {
  ASSERT_EQ(run_embedd({"traces", "init", "--full", "--endpoint", "local"}).code, 0);
  serve();
  simdjson::dom::parser parser;
  const std::string document = client->get("/openapi.json").body;
  const simdjson::dom::element paths = parser.parse(document)["paths"];
  for (const auto& [path, status] : {std::pair{"/v1/traces", 202}, {"/v1/traces/search", 200}}) {
    const simdjson::dom::object examples =
        paths[path]["post"]["requestBody"]["content"]["application/json"]["examples"];
    for (const auto& [name, example] : examples) {
      const SearchReply reply = client->post(path, simdjson::minify(example["value"].value()));
      EXPECT_EQ(reply.status, status) << path << " " << name << reply.body;
    }
  }
}

TEST_F(TracesPlain, OfATableWithFewColumnsHaveNulls) {
  ASSERT_EQ(run_embedd({"traces", "init", "--endpoint", "local"}).code, 0);
  serve();
  const SearchReply added = client->post("/v1/traces", kNew);
  ASSERT_EQ(added.status, 202) << added.body;
  EXPECT_EQ(at(added.body, "/status"), "\"published\"") << "the table's default";
  ASSERT_EQ(work_once().code, 0);
  const SearchReply found = client->post("/v1/traces/search", R"({"q": "title", "include_expired": false})");
  EXPECT_EQ(at(found.body, "/total"), "1") << found.body;
  for (const char* name : {"contributor_id", "contributor_name", "retrieval_count", "impact_level",
                           "context_fingerprint", "valid_until"})
    EXPECT_EQ(at(found.body, fmt::format("/results/0/{}", name)), "null") << name;
  EXPECT_EQ(at(found.body, "/results/0/related_traces"), "[]");
  EXPECT_EQ(at(found.body, "/results/0/tags"),
            "[\"tls\",\"\xc3\xbc"
            "bung\"]");
  const SearchReply refused = client->post(
      "/v1/traces", R"({"title": "t", "context_text": "c", "solution_text": "s", "agent_model": "m"})");
  EXPECT_EQ(refused.status, 422);
  EXPECT_THAT(refused.body, HasSubstr("\"field\":\"agent_model\""));
}

TEST_F(TracesPlain, AreNotFoundBeforeTheyAreDeclared) {
  ASSERT_EQ(run_embedd({"migrate"}).code, 0);
  serve();
  EXPECT_EQ(client->get("/v1/tags").status, 404);
  EXPECT_EQ(client->post("/v1/traces/search", R"({"tags": ["a"]})").status, 404);
  sql("CREATE TABLE traces (number int PRIMARY KEY, title text, context_text text, solution_text text, "
      "embedding vector(1536), embedding_model_id varchar(100), embedding_model_version varchar(100))");
  ASSERT_EQ(run_embedd({"traces", "init", "--endpoint", "local"}).code, 0);
  const SearchReply keyed = client->get("/v1/tags");
  EXPECT_EQ(keyed.status, 500);
  EXPECT_THAT(keyed.body, HasSubstr("not a column id of type uuid"));
}

}  // namespace
}  // namespace embedd::test
