// The server of `embedd serve` on a real socket: clients that are slow, idle or too many cost the others
// nothing.
#include "serve/http_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <mutex>

#include "serve/tls.h"
#include "support/http_get.h"

namespace embedd {
namespace {

using test::Client;
using test::talk_to;
using testing::HasSubstr;

constexpr const char* kGet = "GET /now HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// Answers /now at once, /large with 16 MiB, and anything else when it is told to.
class Handler : public serve::HttpHandler {
 public:
  std::optional<serve::HttpReply> admit(const serve::HttpRequest& head,
                                        std::shared_ptr<void>& permit) override {
    ++permits;
    permit = std::shared_ptr<void>(nullptr, [this](void*) { --permits; });
    if (head.target == "/refused") return refusal(404, "not_found", "no");
    return std::nullopt;
  }
  void handle(serve::HttpRequest request, std::function<void(serve::HttpReply)> done) override {
    if (request.target == "/now") return done({.body = "now " + request.body});
    if (request.target == "/events") {
      done({.content_type = "text/event-stream", .events = [this](serve::EventSink to) {
              const std::lock_guard lock(mutex_);
              sinks_.push_back(std::move(to));
              ++watchers;
              return std::shared_ptr<void>(nullptr, [this](void*) { --watchers; });
            }});
      return;
    }
    if (request.target == "/large") return done({.body = std::string(16 * kMiB, 'x')});
    const std::lock_guard lock(mutex_);
    later_.push_back(std::move(done));
    ++waiting;
  }
  void answered(const serve::HttpRequest& /*head*/, const serve::HttpReply& /*reply*/) override { ++answers; }
  serve::HttpReply refusal(int status, std::string_view code, std::string_view /*message*/) override {
    return {.status = status, .body = std::string(code)};
  }
  void answer_all() {
    const std::lock_guard lock(mutex_);
    for (const auto& done : std::exchange(later_, {})) done({.body = "later"});
  }

  void send_event(const std::string& text) {
    const std::lock_guard lock(mutex_);
    for (const serve::EventSink& sink : sinks_) sink(text);
  }

  std::atomic<int> permits{0}, waiting{0}, answers{0}, watchers{0};

 private:
  std::mutex mutex_;
  std::vector<std::function<void(serve::HttpReply)>> later_;
  std::vector<serve::EventSink> sinks_;
};

class HttpServerTest : public testing::Test {
 protected:
  void start(serve::HttpServer::Limits limits) {
    auto started = serve::HttpServer::start({"127.0.0.1", "0"}, limits, std::nullopt, handler);
    ASSERT_TRUE(started) << started.error().message;
    server = *std::move(started);
  }
  static bool eventually(const std::function<bool()>& is) {
    const Instant end = std::chrono::steady_clock::now() + seconds(20);
    while (!is()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(milliseconds(2));
    }
    return true;
  }
  [[nodiscard]] bool has_connections(std::size_t count) const {
    return eventually([&] { return server->connections() == count; });
  }

  Handler handler;
  std::unique_ptr<serve::HttpServer> server;
};

TEST_F(HttpServerTest, ASlowHeadIsGivenUp) {
  start({.idle = milliseconds(100)});
  const Client nothing(server->port()), half(server->port());
  ASSERT_TRUE(half.send("GET /now HT"));
  EXPECT_EQ(nothing.receive(), "");
  EXPECT_EQ(half.receive(), "");
  EXPECT_TRUE(has_connections(0));
}

TEST_F(HttpServerTest, ASlowBodyIsGivenUp) {
  start({.body = milliseconds(100)});
  const Client slow(server->port());
  ASSERT_TRUE(slow.send("POST /now HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n1234"));
  EXPECT_EQ(slow.receive(), "");
  EXPECT_TRUE(has_connections(0));
  EXPECT_EQ(handler.permits, 0);
}

TEST_F(HttpServerTest, AnAnswerThatNobodyReadsIsGivenUp) {
  start({.write = milliseconds(100)});
  const Client deaf(server->port());
  ASSERT_TRUE(deaf.send("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  EXPECT_TRUE(eventually([&] { return handler.answers == 1; }));
  EXPECT_TRUE(has_connections(0));
  EXPECT_EQ(handler.permits, 0);
}

TEST_F(HttpServerTest, AnAnswerThatIsReadComesWhole) {
  start({});
  const std::string reply =
      talk_to(server->port(), "GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_GT(reply.size(), 16 * kMiB);
}

TEST_F(HttpServerTest, OneThatWaitsStopsNoOther) {
  start({});
  const Client waits(server->port());
  ASSERT_TRUE(waits.send("GET /later HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
  EXPECT_TRUE(eventually([&] { return handler.waiting == 1; }));
  EXPECT_THAT(talk_to(server->port(), "GET /now HTTP/1.0\r\n\r\n"), HasSubstr("200 OK"));
  handler.answer_all();
  EXPECT_THAT(waits.receive(), HasSubstr("later"));
}

/// The first connection is the oldest, but has just asked something.
TEST_F(HttpServerTest, TheLongestIdleGivesWay) {
  start({.connections = 3});
  const Client busy(server->port());
  ASSERT_TRUE(has_connections(1));
  const Client idle(server->port());
  ASSERT_TRUE(has_connections(2));
  const Client younger(server->port());
  ASSERT_TRUE(has_connections(3));
  ASSERT_TRUE(busy.send(kGet));
  ASSERT_TRUE(eventually([&] { return handler.answers == 1; }));
  const Client one_more(server->port());
  EXPECT_EQ(idle.receive(), "");
  ASSERT_TRUE(one_more.send(kGet));
  ASSERT_TRUE(busy.send("GET /now HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
  EXPECT_THAT(busy.receive(), HasSubstr("now"));
}

TEST_F(HttpServerTest, StopWaitsForAnswersButNotForEver) {
  start({.drain = milliseconds(200)});
  const Client answered(server->port()), idle(server->port());
  ASSERT_TRUE(answered.send("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  ASSERT_TRUE(eventually([&] { return handler.waiting == 1; }));
  auto stopped = std::async(std::launch::async, [&] { server->stop(); });
  EXPECT_EQ(idle.receive(), "");
  stopped.get();
  handler.answer_all();  // into the void
}

TEST_F(HttpServerTest, StopLetsAnAnswerFinish) {
  start({.drain = seconds(60)});
  const Client answered(server->port());
  ASSERT_TRUE(answered.send("GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n"));
  ASSERT_TRUE(eventually([&] { return handler.waiting == 1; }));
  auto stopped = std::async(std::launch::async, [&] { server->stop(); });
  handler.answer_all();
  EXPECT_THAT(answered.receive(), HasSubstr("later"));
  stopped.get();
  EXPECT_EQ(handler.permits, 0);
}

/// A body after a refusal is not read, but the client sees why.
TEST_F(HttpServerTest, ARefusalIsSeenByAClientThatGoesOnSending) {
  start({});
  const std::string reply =
      talk_to(server->port(), "POST /refused HTTP/1.1\r\nHost: localhost\r\nContent-Length: 400000\r\n\r\n" +
                                  std::string(400'000, 'x'));
  EXPECT_THAT(reply, HasSubstr("404 Not Found"));
  EXPECT_THAT(reply, HasSubstr("Connection: close"));
}

TEST_F(HttpServerTest, BodiesInChunksAreBoundedToo) {
  start({.body_bytes = 1000});
  const std::string head =
      "POST /now HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_THAT(talk_to(server->port(), head + "3\r\nabc\r\n0\r\n\r\n"), HasSubstr("now abc"));
  EXPECT_THAT(talk_to(server->port(), head + "500\r\n" + std::string(0x500, 'x') + "\r\n0\r\n\r\n"),
              HasSubstr("body_too_large"));
}

TEST_F(HttpServerTest, ATakenAddressIsAnError) {
  start({});
  const auto second =
      serve::HttpServer::start({"127.0.0.1", std::to_string(server->port())}, {}, std::nullopt, handler);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("cannot listen on 127.0.0.1"));
}

constexpr const char* kWatch = "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n";

TEST_F(HttpServerTest, EventsGoToWhoeverWatches) {
  start({});
  const Client watcher(server->port());
  ASSERT_TRUE(watcher.send(kWatch));
  ASSERT_TRUE(eventually([&] { return handler.watchers == 1; }));
  handler.send_event("data: 1\n\n");
  std::this_thread::sleep_for(milliseconds(50));
  handler.send_event("data: 2\n\n");
  std::this_thread::sleep_for(milliseconds(50));
  server->stop();
  const std::string seen = watcher.receive();
  EXPECT_THAT(seen, HasSubstr("text/event-stream"));
  EXPECT_TRUE(seen.ends_with("\r\n\r\ndata: 1\n\ndata: 2\n\n")) << seen;
  EXPECT_EQ(handler.watchers, 0);
  EXPECT_EQ(handler.permits, 0);
  handler.send_event("data: 3\n\n");  // nobody is there
}

TEST_F(HttpServerTest, AWatcherThatLeavesOrDoesNotReadIsForgotten) {
  start({.write = milliseconds(100)});
  {
    const Client leaves(server->port());
    ASSERT_TRUE(leaves.send(kWatch));
    ASSERT_TRUE(eventually([&] { return handler.watchers == 1; }));
  }
  EXPECT_TRUE(eventually([&] { return handler.watchers == 0; }));
  const Client deaf(server->port());
  ASSERT_TRUE(deaf.send(kWatch));
  ASSERT_TRUE(eventually([&] { return handler.watchers == 1; }));
  handler.send_event(std::string(16 * kMiB, 'x'));
  EXPECT_TRUE(eventually([&] { return handler.watchers == 0; }));
  EXPECT_TRUE(has_connections(0));
}

TEST_F(HttpServerTest, AWatcherHearsThatTheServerLives) {
  start({.beat = milliseconds(20)});
  const Client watcher(server->port());
  ASSERT_TRUE(watcher.send(kWatch));
  ASSERT_TRUE(eventually([&] { return handler.watchers == 1; }));
  std::this_thread::sleep_for(milliseconds(200));
  server->stop();
  EXPECT_THAT(watcher.receive(), HasSubstr(": \n\n: \n\n"));
}

TEST_F(HttpServerTest, AWatcherGivesWayToRequests) {
  start({.connections = 1});
  const Client watcher(server->port());
  ASSERT_TRUE(watcher.send(kWatch));
  ASSERT_TRUE(eventually([&] { return handler.watchers == 1; }));
  EXPECT_THAT(talk_to(server->port(), "GET /now HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
              HasSubstr("now"));
  EXPECT_TRUE(eventually([&] { return handler.watchers == 0; }));
}

}  // namespace
}  // namespace embedd
