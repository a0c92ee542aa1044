// `embedd serve` with Redis: servers share query vectors and rates, and lose little when Redis is gone, slow,
// full or full of nonsense.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>

#include "support/private_redis.h"
#include "support/serve_fixture.h"

namespace embedd::test {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kUp = "embedd_redis_up";

class Redis : public ServeTest {
 protected:
  struct Other {
    Embedd server;
    SearchClient client;
  };

  void declare() {
    declare_notes("english", "openai");
    add_notes(3);
    embed_all();
  }
  /// The fixture's server, which is connected to Redis.
  void serve_shared(const std::string& url, const Environment& more = {}, const std::string& token = "") {
    Environment changes = more;
    changes["REDIS_URL"] = url;
    serve(changes, token);
    if (more.empty()) expect_logged("\"redis_up\"");
  }
  /// A further server, which is connected to Redis.
  std::unique_ptr<Other> another(const Environment& changes, const std::string& token = "") {
    Embedd embedd = start({"serve", "--http", "127.0.0.1:0"}, changes);
    const std::uint16_t port = port_of(embedd);
    auto out = std::unique_ptr<Other>(new Other{std::move(embedd), SearchClient(port, token)});
    EXPECT_TRUE(eventually([&] { return out->server.logged("\"redis_up\"") > 0; })) << out->server.log();
    return out;
  }
  static std::string query(const std::string& words) {
    return fmt::format(R"({{"query": "{}", "mode": "vector"}})", words);
  }
  static SearchReply ask(SearchClient& who, const std::string& words) {
    return who.post("/v1/vectorizers/notes/search", query(words));
  }
  double looked_up(const std::string& outcome) {
    return metric(fmt::format(R"(embedd_query_cache_total{{layer="redis",outcome="{}"}})", outcome));
  }
  double metric(const std::string& series) {
    std::istringstream lines(client->get("/metrics").body);
    for (std::string line; std::getline(lines, line);)
      if (line.starts_with(series + " ")) return std::strtod(line.c_str() + series.size(), nullptr);
    return -1;
  }
  std::uint64_t asked() { return provider.stats().requests; }
  bool becomes(double up) {
    return eventually([&] { return metric(kUp) == up; });
  }
};

TEST_F(Redis, ServersShareQueryVectors) {
  declare();
  const PrivateRedis redis;
  serve_shared(redis.url());
  const auto other = another({{"REDIS_URL", redis.url()}});
  const auto before = asked();
  const SearchReply first = ask(*client, "a secret question");
  ASSERT_EQ(first.status, 200) << first.body;
  ASSERT_TRUE(eventually([&] { return !redis.only_key("embedd:").empty(); }));
  const SearchReply second = ask(other->client, "a secret question");
  EXPECT_EQ(each_hit(second.body, "/key/id"), each_hit(first.body, "/key/id"));
  EXPECT_EQ(each_hit(second.body, "/similarity"), each_hit(first.body, "/similarity"));
  EXPECT_EQ(asked(), before + 1) << "bought once";
  EXPECT_EQ(at(other->client.post("/v1/vectorizers/notes/embed", R"({"query": "a secret question"})").body,
               "/tokens"),
            "0");
  const std::string key = redis.only_key("embedd:");
  EXPECT_THAT(key, AllOf(testing::StartsWith("embedd:vector:"), Not(HasSubstr("secret"))));
  const int lives = std::atoi(redis.ask({"TTL", key}).c_str());
  EXPECT_GT(lives, 3600);
  EXPECT_LE(lives, 24 * 3600);
  EXPECT_EQ(looked_up("miss"), 1);
  EXPECT_THAT(other->client.get("/metrics").body,
              AllOf(HasSubstr(R"(embedd_query_cache_total{layer="redis",outcome="hit"} 1)"),
                    HasSubstr(R"(embedd_query_cache_total{layer="memory",outcome="hit"} 1)"),
                    HasSubstr("embedd_redis_up 1")));
}

/// What one server bought, another can use while the provider is down.
TEST_F(Redis, AnswersForAProviderThatIsDown) {
  declare();
  const PrivateRedis redis;
  serve_shared(redis.url());
  ASSERT_EQ(ask(*client, "a question").status, 200);
  ASSERT_TRUE(eventually([&] { return !redis.only_key("embedd:").empty(); }));
  const auto other = another({{"REDIS_URL", redis.url()}, {"OPENAI_API_KEY", ""}});
  EXPECT_EQ(ask(other->client, "a question").status, 200);
  EXPECT_EQ(ask(other->client, "another question").status, 503);
}

TEST_F(Redis, MayGoAndComeBack) {
  declare();
  PrivateRedis redis;
  serve_shared(redis.url());
  redis.kill();
  EXPECT_EQ(ask(*client, "first").status, 200);
  EXPECT_TRUE(becomes(0));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(*client, fmt::format("question {}", i)).status, 200);
  EXPECT_EQ(server->logged("\"redis_down\""), 1) << server->log();
  redis.start();
  EXPECT_TRUE(becomes(1));
  EXPECT_EQ(server->logged("\"redis_up\""), 2) << server->log();
  EXPECT_EQ(ask(*client, "second").status, 200);
  EXPECT_TRUE(eventually([&] { return !redis.only_key("embedd:").empty(); })) << "and is used again";
}

TEST_F(Redis, MayHang) {
  declare();
  const PrivateRedis redis;
  serve_shared(redis.url());
  redis.suspend();
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) {
    const SearchReply reply = ask(*client, fmt::format("question {}", i));
    EXPECT_EQ(reply.status, 200) << reply.body;
    EXPECT_EQ(client->get("/v1/vectorizers").status, 200);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(10)) << "one of ten waited for Redis";
  EXPECT_TRUE(becomes(0));
  EXPECT_THAT(server->log(), HasSubstr("no answer in time"));
  EXPECT_EQ(server->stop().code, 0) << "it ends all the same";
  redis.resume();
}

TEST_F(Redis, MayRefuseThePassword) {
  declare();
  const PrivateRedis redis({}, "right-password");
  serve({{"REDIS_URL", redis.url("wrong-password")}});
  EXPECT_EQ(ask(*client, "a question").status, 200);
  expect_logged("redis_down");
  EXPECT_THAT(server->log(), AllOf(HasSubstr("the server refuses the user or the password of the URL"),
                                   Not(HasSubstr("wrong-password"))));
  EXPECT_EQ(metric(kUp), 0);
  const Finished checked = run_embedd({"check"}, {{"REDIS_URL", redis.url("wrong-password")}});
  EXPECT_THAT(checked.output, AllOf(HasSubstr("note redis: "), HasSubstr("refuses the user or the password"),
                                    Not(HasSubstr("wrong-password"))));
  EXPECT_THAT(run_embedd({"check"}, {{"REDIS_URL", redis.url()}}).output, HasSubstr("wants a password"));
  files.write("redis", redis.url("right-password") + "\n");
  EXPECT_THAT(run_embedd({"check"}, {{"REDIS_URL_FILE", files.file("redis")}}).output,
              HasSubstr("ok   redis: 127.0.0.1:"));
}

TEST_F(Redis, ValuesThatAreNoVectorsAreNotBelieved) {
  declare();
  const PrivateRedis redis;
  serve_shared(redis.url());
  const std::string right = each_hit(ask(*client, "a question").body, "/similarity");
  ASSERT_TRUE(eventually([&] { return !redis.only_key("embedd:").empty(); }));
  const std::string key = redis.only_key("embedd:");
  const std::string good = redis.ask({"GET", key});
  std::string bent = good;
  bent.back() = static_cast<char>(bent.back() ^ 64);
  for (const std::string& value : {std::string("nonsense"), std::string(), good + good, bent,
                                   std::string(good.size(), '\0'), std::string(200'000, 'x')}) {
    redis.ask({"SET", key, value});
    serve_shared(redis.url());  // which remembers nothing
    const auto before = asked();
    EXPECT_EQ(each_hit(ask(*client, "a question").body, "/similarity"), right);
    EXPECT_EQ(asked(), before + 1);
    EXPECT_EQ(looked_up("invalid"), 1);
    EXPECT_TRUE(eventually([&] { return redis.ask({"GET", key}) == good; })) << "it is replaced";
  }
  redis.ask({"DEL", key});
  redis.ask({"RPUSH", key, "a"});
  serve_shared(redis.url());
  EXPECT_EQ(each_hit(ask(*client, "a question").body, "/similarity"), right);
  EXPECT_EQ(looked_up("unavailable"), 1);
}

TEST_F(Redis, MayBeFull) {
  declare();
  const PrivateRedis redis({"--maxmemory", "1", "--maxmemory-policy", "noeviction"});
  serve_shared(redis.url());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(ask(*client, fmt::format("question {}", i)).status, 200);
  expect_logged("redis_refuses");
  EXPECT_THAT(server->log(), HasSubstr("maxmemory-policy"));
  EXPECT_EQ(server->logged("redis_refuses"), 1) << server->log();
  EXPECT_EQ(metric(kUp), 1);
  redis.ask({"CONFIG", "SET", "maxmemory", "0"});
  int i = 0;
  EXPECT_TRUE(eventually([&] {
    EXPECT_EQ(ask(*client, fmt::format("later {}", ++i)).status, 200);
    return server->logged("redis_refuses_no_more") == 1;
  })) << server->log();
}

class SharedRates : public Redis {
 protected:
  void serve_limited(const std::string& url, int per_minute) {
    declare_notes();
    files.write("embedd.toml", fmt::format("[token.some]\nsecret = {{ env = \"SOME_TOKEN\" }}\n"
                                           "requests_per_minute = {}\n",
                                           per_minute));
    changes = {{"EMBEDD_CONFIG", files.file("embedd.toml")}, {"SOME_TOKEN", kSome}, {"REDIS_URL", url}};
    serve(changes, kSome);
    expect_logged("\"redis_up\"");
  }
  static int get(SearchClient& who) { return who.get("/v1/vectorizers").status; }

  Environment changes;
};

TEST_F(SharedRates, AreOneRateOfAllServers) {
  const PrivateRedis redis;
  serve_limited(redis.url(), 20);
  const auto other = another(changes, kSome);
  int admitted = 0;
  const auto began = std::chrono::steady_clock::now();
  for (int i = 0; i < 40; ++i) admitted += get(i % 2 == 0 ? *client : other->client) == 200 ? 1 : 0;
  const double due = 20 * to_seconds(std::chrono::steady_clock::now() - began) / 60;
  EXPECT_GE(admitted, 20);
  EXPECT_LE(admitted, 23 + due) << "and what one admits before it hears of the other";
  const SearchReply limited = client->get("/v1/vectorizers");
  EXPECT_EQ(limited.status, 429);
  EXPECT_GE(std::atoi(limited.header("retry-after").c_str()), 1);
  const auto third = another(changes, kSome);
  EXPECT_EQ(get(third->client), 200) << "it does not know yet";
  EXPECT_TRUE(eventually([&] { return get(third->client) == 429; }, seconds(2)));
  const std::string key = redis.only_key("embedd:rate:");
  EXPECT_EQ(key, "embedd:rate:some:20");
  EXPECT_GT(std::atoi(redis.ask({"TTL", key}).c_str()), 60);
}

TEST_F(SharedRates, AreOfEachServerWhileRedisIsGone) {
  PrivateRedis redis;
  serve_limited(redis.url(), 5);
  const auto other = another(changes, kSome);
  redis.kill();
  ASSERT_TRUE(becomes(0));
  ASSERT_TRUE(eventually([&] { return other->server.logged("\"redis_down\"") > 0; }));
  for (SearchClient* who : {client.get(), &other->client}) {
    int admitted = 0;
    for (int i = 0; i < 10; ++i) admitted += get(*who) == 200 ? 1 : 0;
    EXPECT_GE(admitted, 5);
    EXPECT_LE(admitted, 7);
  }
}

TEST_F(SharedRates, DoNotBelieveNonsense) {
  const PrivateRedis redis;
  for (const char* value :
       {"nonsense", "99999999.0 1.0", "-99999999.0 1.0", "5.0 99999999999999.0", "nan nan", "1e308 1e308"})
    for (const char* type : {"SET", "RPUSH"}) {
      redis.ask({"DEL", "embedd:rate:some:5"});
      redis.ask({type, "embedd:rate:some:5", value});
      if (!server) serve_limited(redis.url(), 5);
      serve(changes, kSome);
      expect_logged("\"redis_up\"");
      int admitted = 0;
      for (int i = 0; i < 10; ++i) admitted += get(*client) == 200 ? 1 : 0;
      EXPECT_GE(admitted, 1) << type << value;
      EXPECT_LE(admitted, 6) << type << value;
      EXPECT_THAT(redis.ask({"GET", "embedd:rate:some:5"}), testing::MatchesRegex("-?[0-9.]+ [0-9.]+"));
    }
}

TEST_F(Redis, AUrlThatCannotBeUsedIsRefused) {
  declare_notes();
  for (const auto& [url, why] :
       {std::pair{"rediss://:hunter2@localhost", "TLS to Redis (rediss://) is not supported"},
        std::pair{"localhost:6379", "must read redis://"}}) {
    const Finished refused = run_embedd({"serve", "--http", "127.0.0.1:0"}, {{"REDIS_URL", url}});
    EXPECT_EQ(refused.code, 2);
    EXPECT_THAT(refused.error_output,
                AllOf(HasSubstr(why), HasSubstr("REDIS_URL"), Not(HasSubstr("hunter2"))));
    EXPECT_EQ(run_embedd({"status"}, {{"REDIS_URL", url}}).code, 0) << "which does not use Redis";
    const Finished checked = run_embedd({"check"}, {{"REDIS_URL", url}});
    EXPECT_THAT(checked.output, AllOf(HasSubstr("FAIL redis: "), Not(HasSubstr("hunter2"))));
  }
}

TEST_F(Redis, ASecondNameOfTheVariableWins) {
  declare_notes();
  const PrivateRedis redis;
  EXPECT_THAT(
      run_embedd({"check"}, {{"REDIS_URL", "redis://127.0.0.1:1"}, {"EMBEDD_REDIS_URL", redis.url()}}).output,
      HasSubstr("ok   redis: "));
  files.write(".env", "EMBEDD_REDIS_URL=" + redis.url() + "\nREDIS_URL=rediss://elsewhere\n");
  EXPECT_THAT(run_embedd({"check"}, {{"EMBEDD_ENV_FILE", files.file(".env")}}).output,
              HasSubstr("ok   redis: "));
  EXPECT_THAT(run_embedd({"check"}, {{"REDIS_URL", "redis://127.0.0.1:1"}}).output,
              HasSubstr("note redis: 127.0.0.1:1/0: no connection"));
}

TEST_F(Redis, NeedNotBeThereWhenTheServerStarts) {
  declare();
  PrivateRedis redis;
  redis.kill();
  serve({{"REDIS_URL", redis.url()}});
  EXPECT_EQ(ask(*client, "a question").status, 200);
  EXPECT_EQ(metric(kUp), 0);
  redis.start();
  EXPECT_TRUE(becomes(1));
}

}  // namespace
}  // namespace embedd::test
