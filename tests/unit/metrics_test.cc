// Metrics, health, routes and the log's bounds, on a clock of our own; and the listener on a real socket.
#include "observe/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <regex>
#include <sstream>

#include "base/log.h"
#include "observe/event_log.h"
#include "observe/health.h"
#include "serve/listener.h"
#include "serve/routes.h"
#include "support/http_get.h"
#include "support/manual_clock.h"

namespace embedd {
namespace {

using test::ManualClock;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const Vectorizer kTraces{
    .id = 1, .name = "tra\"ces", .endpoint = "openai", .model = "text-embedding-3-small"};

Settlement completion() {
  Settlement settlement;
  settlement.action = Action::complete;
  return settlement;
}

Reply reply_with(std::uint64_t tokens) {
  EmbedAnswer answer;
  answer.tokens = tokens;
  Reply reply{.answer = answer};
  reply.took = milliseconds(200);
  return reply;
}

Reply reply_failing(ErrorKind kind) {
  return Reply{.answer = std::unexpected(Error{kind, "it said no", std::nullopt})};
}

std::vector<VectorizerState> one_vectorizer() {
  VectorizerState state;
  state.vectorizer = kTraces;
  state.jobs_estimate = 7;
  state.dead_letters = 2;
  state.oldest = seconds(3);
  return {state};
}

TEST(Metrics, CountWhatTheWorkerTells) {
  observe::Metrics metrics;
  metrics.claimed(kTraces, 10, 3);
  metrics.request_started(kTraces, 10, 500);
  metrics.request_finished(kTraces, reply_with(2'000'000));
  metrics.request_finished(kTraces, reply_failing(ErrorKind::rate_limited));
  metrics.settled(kTraces, completion(), Outcome::done, 8);
  metrics.settled(kTraces, completion(), Outcome::stale, 1);
  metrics.settled(kTraces, completion(), Outcome::kept, 1);
  metrics.rescheduled(kTraces, ErrorKind::rejected, 4, true);
  metrics.discarded(kTraces, ErrorKind::rejected, "no");
  metrics.cut_silently(kTraces, 512, 2000);
  metrics.equal_vectors(kTraces, 3, true);
  metrics.equal_vectors(kTraces, 2, false);
  metrics.endpoint_changed("openai", EndpointState::no_api_key, "", Duration{});
  metrics.polled(one_vectorizer());
  metrics.in_flight(5, 6, 7);
  const std::string text = metrics.text();
  for (const char* line :
       {"embedd_rows_embedded_total{vectorizer=\"tra\\\"ces\"} 8", "embedd_leases_rescued_total 3",
        "embedd_stale_discarded_total 1", "embedd_rate_limited_total{endpoint=\"openai\"} 1",
        "embedd_rescheduled_total{kind=\"rejected\"} 4", "embedd_attempts_failed_total{kind=\"rejected\"} 5",
        "embedd_dead_letters_total{kind=\"rejected\"} 1",
        "embedd_endpoint_cuts_at_tokens{endpoint=\"openai\",model=\"text-embedding-3-small\"} 512",
        "embedd_equal_vectors_total{endpoint=\"openai\",outcome=\"refused\"} 3",
        "embedd_equal_vectors_total{endpoint=\"openai\",outcome=\"believed\"} 2",
        "embedd_tokens_total{model=\"text-embedding-3-small\"} 2000000",
        "embedd_cost_usd_total{model=\"text-embedding-3-small\"} 0.04", "embedd_in_flight_requests 5",
        "embedd_endpoint_state{endpoint=\"openai\",state=\"no_api_key\"} 1",
        "embedd_endpoint_state{endpoint=\"openai\",state=\"ready\"} 0",
        "embedd_provider_request_seconds_count{endpoint=\"openai\"} 2", "embedd_batch_rows_count 1",
        "embedd_oldest_job_age_seconds{vectorizer=\"tra\\\"ces\"} 3", "embedd_log_dropped_total 0"})
    EXPECT_THAT(text, HasSubstr(std::string(line) + "\n"));
}

TEST(Metrics, AnUnknownPriceIsNoCost) {
  Prices prices;
  prices.set("openai", "mine", 5);
  observe::Metrics metrics("", prices);
  Vectorizer vectorizer = kTraces;
  for (const char* model : {"mine", "unheard-of"}) {
    vectorizer.model = model;
    metrics.request_finished(vectorizer, reply_with(1'000'000));
  }
  const std::string text = metrics.text();
  EXPECT_THAT(text, HasSubstr("embedd_cost_usd_total{model=\"mine\"} 5\n"));
  EXPECT_THAT(text, HasSubstr("embedd_unpriced_tokens_total{model=\"unheard-of\"} 1000000\n"));
  EXPECT_THAT(text, Not(HasSubstr("embedd_cost_usd_total{model=\"unheard-of\"}")));
}

TEST(Metrics, SayWhichBudgetsAreSpent) {
  observe::Metrics metrics;
  metrics.budget_changed({.vectorizer = "notes", .waits = true, .message = "spent"});
  metrics.budget_changed({.endpoint = "openai", .waits = true, .message = "spent"});
  metrics.budget_changed({.endpoint = "openai"});
  EXPECT_THAT(metrics.text(), HasSubstr("embedd_budget_spent{vectorizer=\"notes\"} 1\n"));
  EXPECT_THAT(metrics.text(), HasSubstr("embedd_budget_spent{endpoint=\"openai\"} 0\n"));
}

TEST(Metrics, AreValidPrometheusText) {
  observe::Metrics metrics;
  metrics.request_finished(kTraces, reply_with(1));
  metrics.polled(one_vectorizer());
  const std::regex sample(
      R"re([a-z_]+(\{[a-z]+="([^"\\]|\\.)*"(,[a-z]+="([^"\\]|\\.)*")*\})? [-+0-9.eInf]+)re");
  std::istringstream lines(metrics.text());
  for (std::string line; std::getline(lines, line);)
    EXPECT_TRUE(line.starts_with("# HELP ") || line.starts_with("# TYPE ") || std::regex_match(line, sample))
        << line;
}

TEST(Metrics, AVectorizerThatIsGoneLeavesNoSeries) {
  observe::Metrics metrics;
  metrics.polled(one_vectorizer());
  metrics.settled(kTraces, completion(), Outcome::done, 8);
  EXPECT_THAT(metrics.text(), HasSubstr("tra\\\"ces"));
  metrics.polled({});
  EXPECT_THAT(metrics.text(), Not(HasSubstr("tra\\\"ces")));
}

class RoutesTest : public ::testing::Test {
 protected:
  void make_ready() {
    health_.schema_is_current();
    health_.turned();
    health_.polled(one_vectorizer());
  }
  serve::HttpResponse get(std::string_view target) { return routes_.handle("GET", target); }

  ManualClock clock_;
  observe::Health health_{clock_, seconds(5)};
  observe::Metrics metrics_;
  serve::Routes routes_{health_, metrics_};
};

TEST_F(RoutesTest, AProcessIsLiveBeforeItIsReady) {
  EXPECT_EQ(get("/livez").status, 200);
  EXPECT_EQ(get("/readyz").status, 503);
  make_ready();
  EXPECT_EQ(get("/readyz").status, 200);
  EXPECT_THAT(get("/readyz").body, HasSubstr("\"status\":\"ready\""));
}

TEST_F(RoutesTest, ReadinessNeedsSchemaDatabaseAndLoop) {
  health_.turned();
  health_.polled({});
  EXPECT_THAT(get("/readyz").body, HasSubstr("\"schema\":\"failing\""));
  health_.schema_is_current();
  EXPECT_EQ(get("/readyz").status, 200);

  health_.database_error("poll", {ErrorKind::unavailable, "gone"});
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_THAT(get("/readyz").body, HasSubstr("\"database\":\"failing\""));
  health_.polled({});
  EXPECT_EQ(get("/readyz").status, 200);

  clock_.tick(minutes(5));
  EXPECT_EQ(get("/readyz").status, 503) << "the loop hangs";
}

TEST_F(RoutesTest, AProcessWhoseLoopStandsStillIsNotLive) {
  clock_.tick(minutes(5));
  EXPECT_EQ(get("/livez").status, 200) << "starting may take long: the database may be away";
  health_.turned();
  clock_.tick(seconds(30));
  EXPECT_EQ(get("/livez").status, 200);
  clock_.tick(milliseconds(1));
  EXPECT_EQ(get("/livez").status, 503);
  EXPECT_THAT(get("/livez").body, HasSubstr("\"status\":\"stuck\""));
  health_.turned();
  EXPECT_EQ(get("/livez").status, 200) << "it goes on";
}

TEST_F(RoutesTest, AnOutageOfTheDatabaseOrAProviderIsNoReasonToRestart) {
  make_ready();
  health_.database_error("poll", {ErrorKind::unavailable, "gone"});
  health_.endpoint_changed("openai", EndpointState::paused, "503", seconds(1));
  EXPECT_EQ(get("/livez").status, 200);
}

TEST_F(RoutesTest, ALoopThatPollsRarelyMayStandAsLong) {
  observe::Health health(clock_, minutes(10));
  const serve::Routes routes(health, metrics_);
  health.turned();
  clock_.tick(minutes(30));
  EXPECT_EQ(routes.handle("GET", "/livez").status, 200);
  clock_.tick(milliseconds(1));
  EXPECT_EQ(routes.handle("GET", "/livez").status, 503);
}

TEST_F(RoutesTest, AStatementsOwnFaultIsNoOutage) {
  make_ready();
  health_.database_error("claim", {ErrorKind::misconfigured, "table dropped"});
  EXPECT_EQ(get("/readyz").status, 200);
}

TEST_F(RoutesTest, AProvidersOutageIsDegradedNotUnready) {
  make_ready();
  health_.endpoint_changed("openai", EndpointState::paused, "503", seconds(1));
  const serve::HttpResponse response = get("/readyz");
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, HasSubstr("\"status\":\"degraded\""));
  EXPECT_THAT(response.body, HasSubstr("\"openai\":\"paused\""));
  health_.endpoint_changed("openai", EndpointState::ready, "", {});
  EXPECT_THAT(get("/readyz").body, HasSubstr("\"status\":\"ready\""));
}

TEST_F(RoutesTest, OtherPathsAndMethodsAreProblems) {
  const serve::HttpResponse missing = get("/metrics/x");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.content_type, "application/problem+json");
  EXPECT_THAT(missing.body, HasSubstr("\"status\":404"));
  const serve::HttpResponse wrong = routes_.handle("POST", "/metrics");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.allow, "GET, HEAD");
  EXPECT_EQ(get("/livez?x=1").status, 200);
}

TEST(ListenAddressTest, IsLoopbackUnlessItSaysOtherwise) {
  const auto parsed = [](std::string_view text) {
    const auto address = serve::parse_listen_address(text);
    return address ? address->host + " " + address->port : std::string("refused");
  };
  EXPECT_EQ(parsed("127.0.0.1:9090"), "127.0.0.1 9090");
  EXPECT_EQ(parsed(":0"), "127.0.0.1 0");
  EXPECT_EQ(parsed("9090"), "127.0.0.1 9090");
  EXPECT_EQ(parsed("[::1]:80"), "::1 80");
  EXPECT_EQ(parsed("0.0.0.0:80"), "0.0.0.0 80");
  for (const char* wrong : {"", ":", "host", "::1:80", "host:99999", "host:-1", "[::1:80", "host:8o"})
    EXPECT_EQ(parsed(wrong), "refused") << wrong;
}

std::string talk_to(const serve::Listener& listener, std::string_view request) {
  return test::talk_to(listener.port(), request);
}

class ListenerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto started =
        serve::Listener::start({"127.0.0.1", "0"}, [](std::string_view method, std::string_view target) {
          return serve::HttpResponse{200, "text/plain", std::string(method) + " " + std::string(target), ""};
        });
    ASSERT_TRUE(started) << started.error().message;
    listener_ = std::move(*started);
  }
  std::unique_ptr<serve::Listener> listener_;
};

TEST_F(ListenerTest, AnswersOneRequestAndCloses) {
  const std::string answer = talk_to(*listener_, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(answer, HasSubstr("Connection: close\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\nGET /livez")) << answer;
}

TEST_F(ListenerTest, LeavesTheBodyOfAHeadOut) {
  const std::string answer = talk_to(*listener_, "HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Content-Length: 6\r\n"));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

TEST_F(ListenerTest, RefusesWhatIsNoRequestOrTooLarge) {
  EXPECT_THAT(talk_to(*listener_, "nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(talk_to(*listener_, "GET /" + std::string(20'000, 'x') + " HTTP/1.1\r\n\r\n"),
              StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(talk_to(*listener_, "POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n123456789"),
              StartsWith("HTTP/1.1 400 "));
}

/// Whether the server has closed it. Waits until it does, or has an answer.
bool is_closed(const test::Client& client) {
  pollfd readable{client.descriptor(), POLLIN, 0};
  char byte = 0;
  return poll(&readable, 1, 60'000) == 1 && recv(client.descriptor(), &byte, 1, MSG_PEEK) <= 0;
}

TEST_F(ListenerTest, TheOldestConnectionThatAsksForNothingMakesRoom) {
  const std::string half_a_request = "GET / HTTP/1.1\r\n";
  std::vector<test::Client> idle;
  for (std::size_t i = 0; i < serve::Listener::kMaxConnections; ++i) {
    idle.emplace_back(listener_->port());
    ASSERT_TRUE(idle.back().send(i % 2 == 0 ? half_a_request : ""));
  }
  EXPECT_THAT(talk_to(*listener_, "GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_TRUE(is_closed(idle.front()));
  ASSERT_TRUE(idle.back().send(half_a_request + "\r\n"));
  EXPECT_THAT(idle.back().receive(), StartsWith("HTTP/1.1 200 ")) << "those that came later are still served";
}

/// Answers larger than the kernel takes in one go keep their connections busy until the client reads them.
TEST(ListenerCrowd, AnAnswerUnderWayIsNotCutOffForANewcomer) {
  const std::string large(64 * kMiB, 'x');
  auto listener = serve::Listener::start({"127.0.0.1", "0"}, [&](std::string_view, std::string_view target) {
    return serve::HttpResponse{200, "text/plain", target == "/large" ? large : "small", ""};
  });
  ASSERT_TRUE(listener) << listener.error().message;
  const test::Client reader((*listener)->port());
  ASSERT_TRUE(reader.send("GET /large HTTP/1.1\r\n\r\n"));
  pollfd readable{reader.descriptor(), POLLIN, 0};
  ASSERT_EQ(poll(&readable, 1, 60'000), 1);
  std::vector<test::Client> idle;
  for (std::size_t i = 0; i < 2 * serve::Listener::kMaxConnections; ++i)
    idle.emplace_back((*listener)->port());
  EXPECT_THAT(talk_to(**listener, "GET / HTTP/1.1\r\n\r\n"), StartsWith("HTTP/1.1 200 "));
  EXPECT_GT(reader.receive().size(), large.size());
}

TEST(ListenerStart, AnAddressInUseIsNamed) {
  const auto handler = [](std::string_view, std::string_view) { return serve::HttpResponse{}; };
  auto first = serve::Listener::start({"127.0.0.1", "0"}, handler);
  ASSERT_TRUE(first);
  const auto second = serve::Listener::start({"127.0.0.1", std::to_string((*first)->port())}, handler);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("cannot listen on " + (*first)->address()));
  EXPECT_EQ(second.error().kind, ErrorKind::unavailable) << "not a slip of a person's: exit code 1, not 2";
}

/// What `body` writes to the log.
template <typename Body>
std::string logged(Body body) {
  log::configure(log::Level::info, log::Format::json);
  ::testing::internal::CaptureStderr();
  body();
  return ::testing::internal::GetCapturedStderr();
}

std::size_t count_lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(Metrics, HaveAnotherPrefixTooOnRequest) {
  EXPECT_THAT(observe::Metrics().text(), Not(HasSubstr("commontrace")));
  observe::Metrics metrics("commontrace");
  metrics.request_finished(kTraces, reply_with(40));
  metrics.settled(kTraces, completion(), Outcome::done, 3);
  metrics.settled(kTraces, completion(), Outcome::stale, 5);
  metrics.rescheduled(kTraces, ErrorKind::unavailable, 2, false);
  metrics.discarded(kTraces, ErrorKind::rejected, "no");
  auto states = one_vectorizer();
  states[0].waiting = true;
  metrics.polled(states);
  metrics.endpoint_changed("openai", EndpointState::no_api_key, "no API key", {});
  metrics.polled(states);
  metrics.polled(states);
  metrics.endpoint_changed("openai", EndpointState::ready, "", {});
  metrics.polled(states);
  const std::string text = metrics.text();
  for (const char* line :
       {"commontrace_embeddings_processed_total{model=\"text-embedding-3-small\",status=\"success\"} 3\n",
        "commontrace_embeddings_processed_total{model=\"text-embedding-3-small\",status=\"error\"} 3\n",
        "commontrace_embeddings_processed_total{model=\"none\",status=\"skipped\"} 2\n",
        "commontrace_embedding_duration_seconds_bucket{model=\"text-embedding-3-small\",le=\"0.1\"} 0\n",
        "commontrace_embedding_duration_seconds_bucket{model=\"text-embedding-3-small\",le=\"0.5\"} 1\n",
        "commontrace_embedding_duration_seconds_bucket{model=\"text-embedding-3-small\",le=\"10\"} 1\n",
        "embedd_rows_embedded_total"})
    EXPECT_THAT(text, HasSubstr(line));
}

TEST(EventLogTest, AnotherModelUnderTheSameNameIsNoticed) {
  ManualClock clock;
  observe::EventLog log(clock);
  const auto answer = [&](const char* model) {
    Reply reply = reply_with(1);
    reply.answer->model = model;
    log.request_finished(kTraces, reply);
  };
  const std::string out = logged([&] {
    answer("m-2026-01");
    answer("m-2026-01");
    answer("m-2026-07");
    answer("m-2026-07");
  });
  EXPECT_EQ(count_lines(out), 1u) << out;
  EXPECT_THAT(out, HasSubstr("\"level\":\"warn\",\"event\":\"embedding_model_drift_detected\""));
  EXPECT_THAT(out, HasSubstr("\"existing_model\":\"m-2026-01\",\"current_model\":\"m-2026-07\""));
}

TEST(EventLogTest, AStateIsLoggedOnceNotOncePerPoll) {
  ManualClock clock;
  observe::EventLog log(clock);
  const std::string out = logged([&] {
    for (int i = 0; i < 1000; ++i) {
      log.endpoint_changed("openai", EndpointState::no_api_key, "no API key", {});
      log.polled(one_vectorizer());
      clock.tick(seconds(5));
    }
    log.endpoint_changed("openai", EndpointState::ready, "", {});
  });
  EXPECT_EQ(count_lines(out), 2u) << out;
  EXPECT_THAT(out, HasSubstr("\"level\":\"warn\",\"event\":\"no_api_key\""));
  EXPECT_THAT(out, HasSubstr("\"event\":\"endpoint_ready\""));
}

TEST(EventLogTest, EachPauseOfAVectorizerIsLoggedAndItsEnd) {
  ManualClock clock;
  observe::EventLog log(clock);
  const std::string out = logged([&] {
    for (int pause = 0; pause < 2; ++pause) {
      for (int i = 0; i < 10; ++i) {
        log.vectorizer_resting(kTraces, "no such model", seconds(5));
        clock.tick(seconds(5));
      }
      log.vectorizer_resting(kTraces, "", {});
      log.vectorizer_resting(kTraces, "", {});
    }
  });
  EXPECT_EQ(count_lines(out), 4u) << out;
  const std::size_t resumed = out.find("\"event\":\"vectorizer_resumed\"");
  EXPECT_LT(out.find("\"event\":\"vectorizer_resting\""), resumed);
  EXPECT_NE(out.find("\"event\":\"vectorizer_resting\"", resumed), std::string::npos) << out;
}

TEST(EventLogTest, AVectorizerThatPausesAndResumesAllTheTimeIsAFewLines) {
  ManualClock clock;
  observe::EventLog log(clock);
  const std::string out = logged([&] {
    for (int i = 0; i < 600; ++i) {
      log.vectorizer_resting(kTraces, "row " + std::to_string(i), seconds(5));
      log.vectorizer_resting(kTraces, "", {});
      clock.tick(milliseconds(100));
    }
  });
  EXPECT_EQ(count_lines(out), 4u) << out;
  EXPECT_THAT(out, HasSubstr("\"lines_suppressed\":299"));
}

TEST(EventLogTest, RowsAreSummedOncePerSecond) {
  ManualClock clock;
  observe::EventLog log(clock);
  const std::string out = logged([&] {
    for (int i = 0; i < 1000; ++i) {
      log.settled(kTraces, completion(), Outcome::done, 100);
      clock.tick(milliseconds(10));
    }
    log.flush();
  });
  EXPECT_LE(count_lines(out), 11u) << out;
  std::size_t rows = 0;
  const std::regex pattern("\"rows\":([0-9]+)");
  for (std::sregex_iterator it(out.begin(), out.end(), pattern), end; it != end; ++it)
    rows += std::stoul((*it)[1]);
  EXPECT_EQ(rows, 100'000u);
}

TEST(EventLogTest, AStormOfFailuresIsAFewLinesThatSayHowManyMore) {
  ManualClock clock;
  observe::EventLog log(clock);
  const std::string out = logged([&] {
    for (int i = 0; i < 6000; ++i) {
      log.request_finished(kTraces, reply_failing(ErrorKind::unavailable));
      log.rescheduled(kTraces, ErrorKind::unavailable, 10, false);
      log.discarded(kTraces, ErrorKind::rejected, "bad");
      log.database_error("claim", {ErrorKind::unavailable, "gone"});
      log.endpoint_changed("openai", i % 2 == 0 ? EndpointState::slowed : EndpointState::ready, "429", {});
      clock.tick(milliseconds(10));
    }
  });
  EXPECT_LE(count_lines(out), 75u) << out;
  EXPECT_THAT(out, HasSubstr("\"lines_suppressed\":2999"));
}

TEST(EventLogTest, AFailedRequestIsNamedAsTheProviderNamesIt) {
  ManualClock clock;
  observe::EventLog log(clock);
  Reply reply = reply_failing(ErrorKind::unavailable);
  reply.request_id = "req_7";
  const std::string out = logged([&] { log.request_finished(kTraces, reply); });
  EXPECT_THAT(out, HasSubstr("\"request_id\":\"req_7\""));
}

TEST(EventLogTest, WhatIsOddAboutAServerIsSaidOnceWithWhatToSet) {
  ManualClock clock;
  observe::EventLog log(clock);
  const std::string out = logged([&] {
    for (int i = 0; i < 100; ++i) {
      log.cut_silently(kTraces, 512, 2000);
      log.equal_vectors(kTraces, 2, true);
      log.equal_vectors(kTraces, 2, false);
      clock.tick(seconds(10));
    }
  });
  EXPECT_EQ(count_lines(out), 3u) << out;
  EXPECT_THAT(out, HasSubstr("set max_input_tokens = 2000"));
  EXPECT_THAT(out, HasSubstr("\"level\":\"warn\",\"event\":\"equal_vectors\""));
  EXPECT_THAT(out, HasSubstr("set max_inputs = 1"));
  EXPECT_THAT(out, HasSubstr("\"level\":\"info\",\"event\":\"equal_vectors_believed\""));
}

TEST(EventLogTest, ADatabaseOutageEndsWithALine) {
  ManualClock clock;
  observe::EventLog log(clock);
  const std::string out = logged([&] {
    log.database_error("poll", {ErrorKind::unavailable, "gone"});
    log.polled({});
    log.polled({});
  });
  EXPECT_EQ(count_lines(out), 2u) << out;
  EXPECT_THAT(out, HasSubstr("\"event\":\"database_recovered\""));
}

TEST(LogGateTest, RemembersABoundedNumberOfKeys) {
  observe::RepeatFilter gate;
  const Instant now(seconds(5));
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(gate.pass(std::to_string(i), now, seconds(1)));
  EXPECT_FALSE(gate.pass("9999", now, seconds(1)));
}

}  // namespace
}  // namespace embedd
