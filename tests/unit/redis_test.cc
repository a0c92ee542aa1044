// Redis: its URL, when it is asked again, the form of the vectors in it, and servers that are none.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmath>
#include <condition_variable>
#include <future>
#include <limits>
#include <mutex>
#include <thread>

#include "app/vector_codec.h"
#include "redis/breaker.h"
#include "redis/client.h"
#include "redis/target.h"
#include "serve/request_rate.h"

namespace embedd {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(RedisUrl, HasAHostAndWhatElseIsGiven) {
  struct Case {
    const char* url;
    const char* shown;
    const char* user;
    const char* password;
  };
  for (const Case& each : {Case{"redis://localhost", "localhost:6379/0", "", ""},
                           Case{"redis://10.0.0.5:7000/3", "10.0.0.5:7000/3", "", ""},
                           Case{"redis://:word@cache/", "cache:6379/0", "", "word"},
                           Case{"redis://me:a%40b%3A%2F@cache:1/2", "cache:1/2", "me", "a@b:/"},
                           Case{"redis://me:a:b@[::1]:6380", "[::1]:6380/0", "me", "a:b"},
                           Case{"redis://[::1]", "[::1]:6379/0", "", ""}}) {
    const auto target = redis::parse_url(Secret(each.url), "REDIS_URL");
    ASSERT_TRUE(target) << each.url << target.error().message;
    EXPECT_EQ(target->shown(), each.shown);
    EXPECT_EQ(target->user, each.user);
    EXPECT_EQ(target->password.reveal(), each.password);
  }
}

TEST(RedisUrl, IsRefusedWithoutBeingQuoted) {
  for (const char* url : {"",
                          "hunter2",
                          "http://hunter2",
                          "redis://",
                          "redis:///0",
                          "redis://hunter2@cache",
                          "redis://me:@cache",
                          "redis://:hunter2@cache:0",
                          "redis://:hunter2@cache:70000",
                          "redis://:hunter2@",
                          "redis://:hunter2@cache:x",
                          "redis://:hunter2@cache/x",
                          "redis://:hunter2@cache/-1",
                          "redis://:hunter2%@cache",
                          "redis://:hunter2%0g@cache",
                          "redis://:hunter2%00@cache",
                          "redis://:hunter2@cache?x=1",
                          "redis://:hunter2@[::1",
                          "redis://:hunter2@[::1]6379",
                          "redis://:hunter2 @cache",
                          "rediss://:hunter2@cache",
                          "unix:///run/hunter2"}) {
    const auto target = redis::parse_url(Secret(url), "REDIS_URL");
    ASSERT_FALSE(target) << url;
    EXPECT_EQ(target.error().kind, ErrorKind::invalid_argument);
    EXPECT_THAT(target.error().message, HasSubstr("REDIS_URL: "));
    EXPECT_THAT(target.error().message, Not(HasSubstr("hunter2"))) << url;
  }
  EXPECT_THAT(redis::parse_url(Secret("rediss://cache"), "REDIS_URL").error().message,
              HasSubstr("TLS to Redis (rediss://) is not supported"));
}

TEST(RedisBreaker, WaitsLongerAfterEachFailureUntilASuccess) {
  redis::Breaker breaker;
  Instant now{std::chrono::hours(1)};
  EXPECT_TRUE(breaker.may_ask(now));
  for (const int pause : {1, 2, 4, 8, 15, 15}) {
    breaker.failed(now);
    EXPECT_FALSE(breaker.may_ask(now + seconds(pause) - milliseconds(1)));
    EXPECT_TRUE(breaker.may_ask(now += seconds(pause))) << pause;
  }
  breaker.succeeded();
  EXPECT_TRUE(breaker.may_ask(now));
  breaker.failed(now);
  EXPECT_TRUE(breaker.may_ask(now + seconds(1)));
}

TEST(VectorCodec, TakesBackWhatItMadeAndNothingElse) {
  const std::string key = "embedd:vector:a";
  const std::vector<float> vector{1.5F, -0.0F, std::numeric_limits<float>::denorm_min(), 3e38F};
  const std::string value = app::pack_vector(key, vector);
  EXPECT_EQ(app::unpack_vector(key, value, 4), vector);
  EXPECT_FALSE(app::unpack_vector(key, value, 3)) << "other dimensions";
  EXPECT_FALSE(app::unpack_vector("embedd:vector:b", value, 4)) << "another query's";
  for (std::size_t i = 0; i < value.size(); ++i) {
    std::string bent = value;
    bent[i] = static_cast<char>(bent[i] ^ 1);
    EXPECT_FALSE(app::unpack_vector(key, bent, 4)) << i;
    EXPECT_FALSE(app::unpack_vector(key, value.substr(0, i), 4)) << i;
  }
  EXPECT_FALSE(app::unpack_vector(key, value + "x", 4));
  EXPECT_FALSE(app::unpack_vector(key, "", 4));
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity(), 0.0F})
    EXPECT_FALSE(app::unpack_vector(key, app::pack_vector(key, {bad}), 1)) << bad;
}

TEST(VectorCodec, NamesAVectorByAllThatItDependsOn) {
  provider::EndpointConfig endpoint{.name = "a", .base_url = "http://one/v1"};
  const auto key = [&](std::string_view text = "secret words", int dimensions = 8, bool send = false,
                       std::string_view model = "m") {
    return app::vector_key(endpoint, model, dimensions, send, text);
  };
  const std::string one = key();
  EXPECT_THAT(one, testing::MatchesRegex("embedd:vector:[0-9a-f]+"));
  endpoint.name = "b";
  endpoint.api_key = Secret("k");
  EXPECT_EQ(key(), one) << "neither its name nor its key changes a vector";
  std::set<std::string> all{one, key("secret word"), key("secret words", 9), key("secret words", 8, true),
                            key("secret words", 8, false, "n")};
  endpoint.query_prefix = "query: ";
  all.insert(key());
  endpoint.query_prefix.clear();
  endpoint.base_url = "http://two/v1";
  all.insert(key());
  EXPECT_EQ(all.size(), 7U);
}

TEST(RequestRate, IsSharedBySettlements) {
  serve::RequestRate here(6), there(6);
  const Instant now{std::chrono::hours(1)};
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(here.wait(now));
  EXPECT_EQ(here.take_unsettled(), 4);
  EXPECT_FALSE(there.wait(now));
  EXPECT_EQ(there.take_unsettled(), 1);
  here.settle(2, now);   // all have 6 − 4
  there.settle(1, now);  // and then 2 − 1
  EXPECT_FALSE(there.wait(now));
  EXPECT_TRUE(there.wait(now)) << "the others took the rest";
  here.settle(-6, now);
  EXPECT_EQ(here.wait(now), Duration(seconds(70))) << "a debt of a minute, and the next request";
  EXPECT_FALSE(here.wait(now + seconds(70)));
}

TEST(RequestRate, DoesNotForgetWhatWasAdmittedMeanwhile) {
  serve::RequestRate rate(6);
  const Instant now{std::chrono::hours(1)};
  EXPECT_FALSE(rate.wait(now));
  EXPECT_EQ(rate.take_unsettled(), 1);
  EXPECT_FALSE(rate.wait(now));
  EXPECT_FALSE(rate.wait(now));
  rate.settle(3, now);  // the answer knows of the first alone
  EXPECT_TRUE(rate.has_unsettled());
  EXPECT_FALSE(rate.wait(now));
  EXPECT_TRUE(rate.wait(now));
}

/// Listens on loopback, and answers each piece that it reads with the next of `replies`, then with silence.
class Impostor {
 public:
  explicit Impostor(std::vector<std::string> replies) : replies_(std::move(replies)) {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(listen(listener_, 8), 0);
    EXPECT_EQ(getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~Impostor() {
    shutdown(listener_, SHUT_RDWR);
    thread_.join();
    close(listener_);
  }
  Impostor(const Impostor&) = delete;
  Impostor& operator=(const Impostor&) = delete;

  int port = 0;

 private:
  void serve() {
    while (true) {
      const int fd = accept(listener_, nullptr, nullptr);
      if (fd < 0) return;
      char bytes[4096];
      for (std::size_t i = 0; read(fd, bytes, sizeof bytes) > 0; ++i)
        if (i < replies_.size() && send(fd, replies_[i].data(), replies_[i].size(), MSG_NOSIGNAL) < 0) break;
      close(fd);
    }
  }

  const std::vector<std::string> replies_;
  int listener_ = -1;
  std::thread thread_;
};

/// Whether the client is up, as it says itself.
struct Ups {
  std::mutex mutex;
  std::condition_variable changed;
  std::vector<bool> told;

  redis::Client::Changed changed_to() {
    return [this](bool up) {
      const std::lock_guard lock(mutex);
      told.push_back(up);
      changed.notify_all();
    };
  }
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, seconds(20), [&] { return told.size() >= count; });
  }
};

Result<redis::Reply> ask(redis::Client& client, redis::Words words) {
  std::promise<Result<redis::Reply>> reply;
  client.run(std::move(words), [&](Result<redis::Reply> got) { reply.set_value(std::move(got)); });
  return reply.get_future().get();
}

constexpr const char* kPong = "+PONG\r\n";

TEST(RedisClient, IsDownAtOnceWhereNobodyListens) {
  Ups ups;
  redis::Client client({.host = "127.0.0.1", .port = 1}, ups.changed_to());
  ASSERT_TRUE(ups.wait_for(2));
  EXPECT_EQ(ask(client, {"GET", "a"}).error().kind, ErrorKind::unavailable);
  EXPECT_EQ(ups.told, (std::vector<bool>{false, false}));
}

TEST(RedisClient, TakesNothingFromWhatIsNotRedis) {
  for (const char* greeting : {"HTTP/1.1 400 Bad Request\r\n\r\n", "+OK\r\n", "+PONG\r\n+PONG\r\n",
                               "*1\r\n+PONG\r\n", ":1\r\n", "$4\r\nPONK\r\n", "\r\n\r\n"}) {
    const Impostor impostor({greeting});
    redis::Connection connection;
    const auto opened = connection.open({.host = "127.0.0.1", .port = impostor.port},
                                        std::chrono::steady_clock::now() + milliseconds(300));
    EXPECT_FALSE(opened) << greeting;
    EXPECT_FALSE(connection.is_open());
  }
}

TEST(RedisClient, BoundsAReplyWithoutEnd) {
  const Impostor impostor({kPong, "$500000000\r\n" + std::string(redis::Connection::kMostReply * 4, 'x')});
  redis::Connection connection;
  const auto soon = [] { return std::chrono::steady_clock::now() + seconds(20); };
  ASSERT_TRUE(connection.open({.host = "127.0.0.1", .port = impostor.port}, soon()));
  const auto replies = connection.run({{"GET", "a"}}, soon());
  ASSERT_FALSE(replies);
  EXPECT_EQ(replies.error().kind, ErrorKind::invalid_answer);
  EXPECT_FALSE(connection.is_open());
}

TEST(RedisClient, GivesUpOneThatHangsAndLeavesItAlone) {
  const Impostor impostor({kPong});
  Ups ups;
  redis::Client client({.host = "127.0.0.1", .port = impostor.port}, ups.changed_to());
  ASSERT_TRUE(ups.wait_for(2));
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(ask(client, {"GET", "a"}).error().kind, ErrorKind::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(5));
  ASSERT_TRUE(ups.wait_for(3));
  EXPECT_EQ(ups.told, (std::vector<bool>{false, true, false}));
  EXPECT_FALSE(ask(client, {"GET", "a"})) << "without a connection";
}

TEST(RedisClient, SendsARefusedCommandNoMoreForAWhileAndOthersAllTheSame) {
  const Impostor impostor({kPong, "-OOM command not allowed\r\n", "$1\r\nb\r\n"});
  Ups ups;
  redis::Client client({.host = "127.0.0.1", .port = impostor.port}, ups.changed_to());
  ASSERT_TRUE(ups.wait_for(2));
  for (int i = 0; i < 2; ++i) {
    const auto refused = ask(client, {"SET", "a", "b"});
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("memory is full"));
  }
  const auto found = ask(client, {"GET", "a"});
  ASSERT_TRUE(found) << found.error().message;
  EXPECT_EQ(found->text, "b");
}

/// A server may quote what it was sent.
TEST(RedisClient, RepeatsNothingOfARefusalButItsCode) {
  for (const char* refusal : {"-ERR unknown command 'AUTH', with args beginning with: 'hunter2'\r\n",
                              "-WRONGPASS hunter2 is wrong\r\n", "-hunter2\r\n", "-HUNTER2hunter2\r\n"}) {
    const Impostor impostor({std::string(refusal) + kPong});
    redis::Connection connection;
    const auto opened =
        connection.open({.host = "127.0.0.1", .port = impostor.port, .password = Secret("hunter2")},
                        std::chrono::steady_clock::now() + seconds(5));
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().kind, ErrorKind::unauthenticated);
    EXPECT_THAT(opened.error().message, Not(HasSubstr("hunter2")));
  }
}

TEST(RedisClient, AnswersAllThatWaitWhenItEnds) {
  const Impostor impostor({kPong});
  Ups ups;
  std::atomic<int> answered = 0;
  {
    redis::Client client({.host = "127.0.0.1", .port = impostor.port}, ups.changed_to());
    ASSERT_TRUE(ups.wait_for(2));
    for (int i = 0; i < 200; ++i)
      client.run({"GET", "a"}, [&](const Result<redis::Reply>& reply) { answered += reply ? 0 : 1; });
  }
  EXPECT_EQ(answered, 200);
}

}  // namespace
}  // namespace embedd
