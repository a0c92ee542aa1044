// /livez, /readyz and /metrics of a running worker, through a provider's and the database's outage.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <fstream>
#include <list>
#include <thread>

#include "support/http_get.h"
#include "support/private_postgres.h"
#include "support/process.h"
#include "support/temp_dir.h"

namespace embedd {
namespace {

using test::http_get;
using test::HttpAnswer;
using test::PrivatePostgres;
using test::Process;
using test::TestDatabase;
using testing::HasSubstr;

using Environment = std::map<std::string, std::string>;

/// A worker that serves HTTP on a port of the kernel's choice.
class ServingWorker {
 public:
  explicit ServingWorker(const std::string& url, Environment environment = {})
      : process_({.arguments = {"worker", "--http", "127.0.0.1:0", "--poll-seconds", "0.2"},
                  .environment = with(std::move(environment), url)}) {
    const std::string_view before = "\"port\":";
    if (!process_.wait_for_error_output(before)) return;
    const std::string log = process_.error_output();
    port_ = static_cast<std::uint16_t>(std::stoi(log.substr(log.find(before) + before.size())));
  }

  HttpAnswer get(std::string_view target, std::string_view method = "GET") const {
    return http_get(port_, target, method);
  }
  /// Asks until it is answered so, for at most two minutes; returns the last answer.
  HttpAnswer until(std::string_view target, int status, std::string_view part = "") const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
    HttpAnswer answer;
    do {
      answer = get(target);
      if (answer.status == status && answer.body.find(part) != std::string::npos) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    } while (std::chrono::steady_clock::now() < deadline);
    return answer;
  }
  HttpAnswer readyz_until(int status, std::string_view part = "") const {
    return until("/readyz", status, part);
  }
  Process& process() { return process_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  static Environment with(Environment environment, const std::string& url) {
    environment["DATABASE_URL"] = url;
    return environment;
  }

  Process process_;
  std::uint16_t port_ = 0;
};

void make_notes(const TestDatabase& database, const std::string& endpoint) {
  const Environment environment{{"DATABASE_URL", database.embedd_url()}};
  ASSERT_EQ(test::run_process({.arguments = {"migrate"}, .environment = environment}).code, 0);
  pg::Connection db = database.connect();
  test::run(db, "CREATE TABLE notes (id int PRIMARY KEY, body text, embedding vector(64))");
  test::run(db, "INSERT INTO notes SELECT i, 'note ' || i FROM generate_series(1, 4) i");
  const test::Finished created =
      test::run_process({.arguments = {"vectorizer", "create", "notes", "--table", "notes", "--text",
                                       "{body}", "--column", "embedding", "--endpoint", endpoint},
                         .environment = environment});
  ASSERT_EQ(created.code, 0) << created.error_output;
}

TEST(Health, ReadyLiveAndMeasured) {
  TestDatabase database;
  make_notes(database, "local");
  ServingWorker worker(database.worker_url());
  EXPECT_EQ(worker.get("/livez").status, 200);
  EXPECT_THAT(worker.readyz_until(200).body, HasSubstr("\"status\":\"ready\""));
  ASSERT_TRUE(worker.process().wait_for_error_output("\"event\":\"batch_completed\""));
  const HttpAnswer metrics = worker.get("/metrics");
  EXPECT_EQ(metrics.status, 200);
  EXPECT_THAT(metrics.head, HasSubstr("text/plain; version=0.0.4"));
  EXPECT_THAT(metrics.body, HasSubstr("embedd_rows_embedded_total{vectorizer=\"notes\"} 4\n"));
  EXPECT_EQ(worker.get("/metrics", "HEAD").body, "");
  EXPECT_EQ(worker.get("/").status, 404);
  EXPECT_EQ(worker.get("/metrics", "POST").status, 405);
  worker.process().signal(SIGTERM);
  EXPECT_EQ(worker.process().wait(), 0);
}

/// Clients that send half a request each, and come back as often as they are sent away.
class Crowd {
 public:
  Crowd(std::uint16_t port, std::size_t count) : port_(port) {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, count + 1000);
    setrlimit(RLIMIT_NOFILE, &limit);
    for (std::size_t i = 0; i < count; ++i) come();
    thread_ = std::jthread([this](const std::stop_token& stop) {
      while (!stop.stop_requested()) come_back();
    });
  }
  [[nodiscard]] std::size_t sent_away() const { return sent_away_; }

 private:
  void come() {
    test::Client client(port_);
    if (client.send("GET /livez HTTP/1.1\r\n")) connections_.push_back(std::move(client));
  }
  void come_back() {
    std::vector<pollfd> all;
    for (const test::Client& each : connections_) all.push_back({each.descriptor(), POLLIN, 0});
    poll(all.data(), all.size(), 100);
    std::list<test::Client> stay;
    std::size_t gone = 0;
    for (const pollfd& each : all) {
      if (each.revents == 0)
        stay.push_back(std::move(connections_.front()));
      else
        ++gone;
      connections_.pop_front();
    }
    connections_ = std::move(stay);
    sent_away_ += gone;
    for (std::size_t i = 0; i < gone; ++i) come();
  }

  const std::uint16_t port_;
  std::list<test::Client> connections_;
  std::atomic<std::size_t> sent_away_ = 0;
  std::jthread thread_;
};

TEST(Health, IsToldThoughTwoThousandClientsAskForNothing) {
  TestDatabase database;
  make_notes(database, "local");
  ServingWorker worker(database.worker_url());
  EXPECT_EQ(worker.readyz_until(200).status, 200);
  const Crowd crowd(worker.port(), 2000);
  // Each of them would hold its place for ten seconds, and all of them for minutes.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  int answered = 0;
  while ((answered < 12 || crowd.sent_away() < 1000) && std::chrono::steady_clock::now() < deadline)
    for (const char* path : {"/livez", "/readyz", "/metrics"}) answered += worker.get(path).status == 200;
  EXPECT_GE(answered, 12);
  EXPECT_GE(crowd.sent_away(), 1000U) << "it was there all the time";
  worker.process().signal(SIGTERM);
  EXPECT_EQ(worker.process().wait(), 0);
}

/// Takes the half minute that a loop may stand still.
TEST(SlowHealth, ALoopThatStandsStillIsNotLive) {
  TestDatabase database;
  make_notes(database, "openai");
  const test::TempDir files;
  const std::string ranks = files.file("ranks");
  ASSERT_EQ(mkfifo(ranks.c_str(), 0600), 0);
  // Reading the tokenizer's ranks is work of the loop's, and a pipe that nobody writes into keeps it there.
  ServingWorker worker(database.worker_url(), {{"EMBEDD_TOKENIZER_RANKS", ranks},
                                               {"OPENAI_API_KEY", "unused"},
                                               {"OPENAI_BASE_URL", "http://127.0.0.1:1/v1"}});
  EXPECT_EQ(worker.until("/livez", 503).status, 503);
  EXPECT_EQ(worker.get("/metrics").status, 200);
  EXPECT_THAT(worker.get("/readyz").body, HasSubstr("\"loop\":\"failing\""));
  std::ofstream(ranks) << "no ranks";
  EXPECT_EQ(worker.until("/livez", 200).status, 200) << "and when it goes on, it is";
  worker.process().signal(SIGTERM);
  EXPECT_EQ(worker.process().wait(), 0);
}

TEST(Health, NoKeyIsDegradedAndWarnedOfOnce) {
  TestDatabase database;
  make_notes(database, "openai");
  ServingWorker worker(database.worker_url());
  EXPECT_THAT(worker.readyz_until(200, "degraded").body, HasSubstr("\"openai\":\"no_api_key\""));
  EXPECT_THAT(worker.get("/metrics").body,
              HasSubstr("embedd_endpoint_state{endpoint=\"openai\",state=\"no_api_key\"} 1"));
  worker.process().signal(SIGTERM);
  EXPECT_EQ(worker.process().wait(), 0);
  const std::string log = worker.process().error_output();
  const std::size_t first = log.find("\"event\":\"no_api_key\"");
  ASSERT_NE(first, std::string::npos);
  EXPECT_EQ(log.find("\"event\":\"no_api_key\"", first + 1), std::string::npos);
}

TEST(Health, LiveButUnreadyWhileTheDatabaseIsAway) {
  PrivatePostgres server;
  TestDatabase database(server);
  make_notes(database, "local");
  ServingWorker worker(database.worker_url());
  EXPECT_EQ(worker.readyz_until(200).status, 200);
  server.stop("immediate");
  EXPECT_THAT(worker.readyz_until(503).body, HasSubstr("\"database\":\"failing\""));
  EXPECT_EQ(worker.get("/livez").status, 200);
  EXPECT_EQ(worker.get("/metrics").status, 200);
  server.start();
  EXPECT_EQ(worker.readyz_until(200).status, 200) << worker.process().error_output();
}

TEST(Health, UnreadyUntilTheDatabaseComesUp) {
  ServingWorker worker("postgresql://nobody@127.0.0.1:1/nothing");
  EXPECT_EQ(worker.get("/livez").status, 200);
  EXPECT_THAT(worker.readyz_until(503).body, HasSubstr("\"schema\":\"failing\""));
}

TEST(Health, AnAddressThatCannotBeUsedIsAUsageError) {
  const test::Finished worker =
      test::run_process({.arguments = {"worker", "--http", "nonsense"}, .environment = {}});
  EXPECT_EQ(worker.code, 2);
  EXPECT_THAT(worker.error_output, HasSubstr("'nonsense' is not an address to listen on"));
}

/// Exit code 2 would tell systemd that starting again is useless (RestartPreventExitStatus).
TEST(Health, AnAddressThatCannotBeBoundNowIsAFailureAndNoUsageError) {
  ServingWorker first(
      "postgresql://nobody@127.0.0.1:1/nothing");  // waits for its database, and serves meanwhile
  const std::string taken = fmt::format("127.0.0.1:{}", first.port());
  for (const std::string& address :
       {taken, std::string("192.0.2.1:9090"), std::string("no.such.host.invalid:1")}) {
    const test::Finished second = test::run_process({.arguments = {"worker", "--http", address}});
    EXPECT_EQ(second.code, 1) << address;
    EXPECT_THAT(second.error_output, HasSubstr("cannot listen on " + address)) << address;
  }
}

}  // namespace
}  // namespace embedd
