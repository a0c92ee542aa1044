// /livez, /readyz and /metrics of a running worker, through a provider's and the database's outage.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "support/http_get.h"
#include "support/private_postgres.h"
#include "support/process.h"

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
  explicit ServingWorker(const std::string& url)
      : process_({.arguments = {"worker", "--http", "127.0.0.1:0", "--poll-seconds", "0.2"},
                  .environment = {{"DATABASE_URL", url}}}) {
    const std::string_view before = "\"port\":";
    if (!process_.wait_for_error_output(before)) return;
    const std::string log = process_.error_output();
    port_ = static_cast<std::uint16_t>(std::stoi(log.substr(log.find(before) + before.size())));
  }

  HttpAnswer get(std::string_view target, std::string_view method = "GET") const {
    return http_get(port_, target, method);
  }
  /// Asks /readyz until it answers so, for at most a minute; returns the last answer.
  HttpAnswer readyz_until(int status, std::string_view part = "") const {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
    HttpAnswer answer;
    do {
      answer = get("/readyz");
      if (answer.status == status && answer.body.find(part) != std::string::npos) break;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    } while (std::chrono::steady_clock::now() < deadline);
    return answer;
  }
  Process& process() { return process_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
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
