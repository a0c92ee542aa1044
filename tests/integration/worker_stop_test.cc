// SIGTERM: settle what is in flight, give back the rest, leave. A second one: give up what is in flight too.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>

#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

/// Takes connections and never says a word.
class SilentServer {
 public:
  SilentServer() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* any = reinterpret_cast<sockaddr*>(&address);
    EXPECT_EQ(bind(socket_, any, size), 0);
    EXPECT_EQ(listen(socket_, 16), 0);
    EXPECT_EQ(getsockname(socket_, any, &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~SilentServer() { close(socket_); }
  SilentServer(const SilentServer&) = delete;
  SilentServer& operator=(const SilentServer&) = delete;

  [[nodiscard]] std::string url() const { return fmt::format("postgresql://me@127.0.0.1:{}/x", port_); }

 private:
  int socket_, port_ = 0;
};

class Drain : public WorkerTest {
 protected:
  /// A worker with one request in flight, of `in_request` rows, and more rows claimed.
  Embedd start_busy_worker() {
    declare_docs();
    add_docs(900);
    Embedd worker = start_worker({{"EMBEDD_MAX_IN_FLIGHT", "1"}});
    EXPECT_TRUE(provider.wait_for([](const auto& stats) { return stats.in_flight == 1; }, seconds(60)))
        << worker.log();
    in_request = static_cast<std::int64_t>(provider.last_request().inputs.size());
    EXPECT_TRUE(eventually([&] { return leases() > in_request; })) << worker.log();
    return worker;
  }
  std::int64_t embedded() { return number("SELECT count(*) FROM docs WHERE embedding IS NOT NULL"); }
  std::int64_t in_request = 0;
};

TEST_F(Drain, StoresWhatIsInFlightAndGivesBackTheRest) {
  provider.hold();
  Embedd worker = start_busy_worker();
  worker.signal(SIGTERM);
  // What is not in a request yet is free for others at once.
  EXPECT_TRUE(eventually([&] { return leases() == in_request; })) << leases() << worker.log();
  EXPECT_TRUE(worker.running());
  EXPECT_TRUE(eventually([&] { return value("SELECT draining FROM embedd.workers") == "t"; }))
      << worker.log();
  const Finished status = run_embedd({"status"});
  EXPECT_THAT(status.output, testing::HasSubstr("draining"));
  provider.release();
  const Finished end = worker.finish();
  EXPECT_EQ(end.code, 0) << end.error_output;
  EXPECT_EQ(embedded(), in_request);
  EXPECT_EQ(leases(), 0);
  EXPECT_EQ(number("SELECT max(attempt) FROM embedd.queue_1"), 0);

  EXPECT_EQ(work_once().code, 0);
  EXPECT_EQ(wrong_docs(), "");
  EXPECT_EQ(provider.stats().repeated_texts, 0u);
}

TEST_F(Drain, ASecondSignalCancelsAHangingRequest) {
  provider.answers_always(Answer::broken(Fault::hang));
  Embedd worker = start_busy_worker();
  worker.signal(SIGTERM);
  ASSERT_TRUE(worker.wait_for_log("\"event\":\"draining\""));
  EXPECT_TRUE(eventually([&] { return leases() == in_request; })) << leases() << worker.log();
  EXPECT_TRUE(worker.running());
  worker.signal(SIGTERM);
  const Finished end = worker.finish();
  EXPECT_EQ(end.code, 0) << end.error_output;
  EXPECT_EQ(leases(), 0);
  EXPECT_EQ(jobs(), 900);
  EXPECT_EQ(number("SELECT max(attempt) FROM embedd.queue_1"), 0);
  EXPECT_EQ(value("SELECT count(*) FROM embedd.workers"), "0");
}

TEST_F(Drain, AnIdleWorkerLeavesAtOnceAndTakesItsHeartbeatAlong) {
  declare_docs();
  Embedd worker = start_worker();
  ASSERT_TRUE(eventually([&] { return number("SELECT count(*) FROM embedd.workers") == 1; })) << worker.log();
  worker.signal(SIGINT);
  EXPECT_EQ(worker.finish(std::chrono::seconds(20)).code, 0);
  EXPECT_EQ(value("SELECT count(*) FROM embedd.workers"), "0");
}

TEST_F(Drain, AWorkerThatNeverReachedItsDatabaseLeavesToo) {
  Embedd worker = start_worker({{"DATABASE_URL", "postgresql://postgres@127.0.0.1:1/nowhere"}});
  ASSERT_TRUE(worker.wait_for_log("\"event\":\"database_error\"")) << worker.log();
  EXPECT_TRUE(worker.running());
  worker.signal(SIGTERM);
  const Finished end = worker.finish(std::chrono::seconds(20));
  EXPECT_EQ(end.code, 0);
  EXPECT_THAT(end.error_output, testing::HasSubstr("\"event\":\"worker_stopped\""));
}

TEST_F(Drain, SignalsInQuickSuccessionStillEndWithTheLastEvent) {
  declare_docs();
  add_docs(20);
  Embedd worker = start_worker();
  ASSERT_TRUE(eventually([&] { return embedded() == 20; })) << worker.log();
  while (worker.running()) worker.signal(SIGTERM);
  const Finished end = worker.finish();
  EXPECT_EQ(end.code, 0);
  EXPECT_THAT(end.error_output, testing::HasSubstr("\"event\":\"worker_stopped\""));
}

TEST_F(Drain, ASecondSignalEndsAConnectionAttemptThatHangs) {
  const SilentServer silent;
  Embedd worker = start_worker({{"DATABASE_URL", silent.url()}});
  ASSERT_TRUE(worker.wait_for_log("\"event\":\"worker_started\"")) << worker.log();
  worker.signal(SIGTERM);
  ASSERT_TRUE(worker.wait_for_log("\"event\":\"draining\""));
  worker.signal(SIGTERM);
  const Finished end = worker.finish(std::chrono::seconds(20));
  EXPECT_EQ(end.code, 128 + SIGTERM);
  EXPECT_THAT(end.error_output, testing::HasSubstr("\"event\":\"worker_stopped\""));
}

}  // namespace
}  // namespace embedd::test
