// A worker whose stderr nobody reads, and one that has no standard streams.
#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "support/http_get.h"
#include "support/worker_fixture.h"

namespace embedd::test {
namespace {

using testing::HasSubstr;

/// A pipe into which nothing more fits until somebody reads.
class FullPipe {
 public:
  FullPipe() {
    EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0);
    EXPECT_EQ(fcntl(ends_[1], F_SETPIPE_SZ, 4096), 4096);
    EXPECT_EQ(fcntl(ends_[1], F_SETFL, O_NONBLOCK), 0);
    while (write(ends_[1], "x", 1) == 1) continue;
    EXPECT_EQ(fcntl(ends_[1], F_SETFL, 0), 0);
  }
  ~FullPipe() {
    close(ends_[0]);
    close_writer();
  }
  FullPipe(const FullPipe&) = delete;
  FullPipe& operator=(const FullPipe&) = delete;

  [[nodiscard]] int write_end() const { return ends_[1]; }
  void close_writer() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }
  /// All that is written until `part` has come, or the last writer has gone.
  std::string read_until(std::string_view part) const {
    std::string out;
    char buffer[1024];
    while (out.find(part) == std::string::npos) {
      const ssize_t got = read(ends_[0], buffer, sizeof buffer);
      if (got <= 0) break;
      out.append(buffer, static_cast<std::size_t>(got));
    }
    return out;
  }

 private:
  int ends_[2] = {-1, -1};
};

class Streams : public WorkerTest {
 protected:
  /// A worker on `port()`, which it cannot tell us itself.
  ProcessOptions worker() {
    ProcessOptions options{.arguments = {"worker", "--http", fmt::format("127.0.0.1:{}", port())},
                           .environment = environment};
    options.environment["DATABASE_URL"] = database.worker_url();
    options.environment["EMBEDD_LOG_LEVEL"] = "debug";
    return options;
  }

  /// Was free a moment ago.
  std::uint16_t port() {
    if (port_ == 0) port_ = static_cast<std::uint16_t>(ScriptedProvider().port());
    return port_;
  }

  int status_of(std::string_view path) { return http_get(port(), path).status; }

 private:
  std::uint16_t port_ = 0;
};

TEST_F(Streams, AFullOneStopsNeitherTheWorkNorTheProbesNorTheEnd) {
  declare_docs();
  add_docs(50);
  // Something to say at once, and all the time.
  provider.answers_next(3, Answer::error(500, "server_error", "crashed"));
  const FullPipe log;
  ProcessOptions options = worker();
  options.error_output = log.write_end();
  Process worker(options);
  ASSERT_TRUE(wait_until_idle());
  EXPECT_EQ(wrong_docs(), "");
  for (const char* path : {"/livez", "/readyz", "/metrics"}) EXPECT_EQ(status_of(path), 200) << path;
  EXPECT_THAT(http_get(port(), "/metrics").body, HasSubstr("embedd_log_dropped_total 0\n"));
  worker.signal(SIGTERM);
  EXPECT_EQ(worker.wait(), 0);
}

TEST_F(Streams, WhatWasHeldBackIsWrittenOnceSomebodyReads) {
  declare_docs();
  add_docs(50);
  FullPipe log;
  ProcessOptions options = worker();
  options.error_output = log.write_end();
  Process worker(options);
  log.close_writer();
  ASSERT_TRUE(wait_until_idle());
  const std::string so_far = log.read_until("batch_completed");
  EXPECT_LT(so_far.find("worker_started"), so_far.find("batch_completed"));
  worker.signal(SIGTERM);
  EXPECT_THAT(log.read_until("worker_stopped"), HasSubstr("worker_stopped"));
  EXPECT_EQ(worker.wait(), 0);
}

TEST_F(Streams, AWorkerThatCannotStartSaysSoAndEndsThoughNobodyReads) {
  const FullPipe log;
  ProcessOptions options = worker();
  options.environment["EMBEDD_HTTP"] = "192.0.2.1:9090";  // of nobody's
  options.arguments = {"worker"};
  options.error_output = log.write_end();
  Process worker(options);
  EXPECT_EQ(worker.wait(), 1);
}

/// What is not there when a program begins is what it opens next: a socket would get the log's lines.
TEST_F(Streams, ThoseThatAreClosedAreTakenByNothingElse) {
  declare_docs();
  for (const std::vector<int>& closed : {std::vector<int>{0, 1, 2}, {0}, {1}, {2}, {1, 2}}) {
    add_docs(5, fmt::format("closed{}", closed.size() * 10 + static_cast<std::size_t>(closed.front())));
    ProcessOptions options = worker();
    options.closed = closed;
    Process worker(options);
    ASSERT_TRUE(wait_until_idle());
    ASSERT_TRUE(eventually([&] { return status_of("/livez") == 200; }));
    for (const int descriptor : closed)
      EXPECT_EQ(std::filesystem::read_symlink(fmt::format("/proc/{}/fd/{}", worker.pid(), descriptor)),
                "/dev/null");
    worker.signal(SIGTERM);
    EXPECT_EQ(worker.wait(), 0);
  }
  EXPECT_EQ(wrong_docs(), "");
}

TEST_F(Streams, OutputThatNobodyCanReceiveIsAFailure) {
  declare_docs();
  ProcessOptions options{.arguments = {"status"}, .environment = environment, .closed = {1}};
  const Finished status = run_process(options);
  EXPECT_EQ(status.code, 1);
  EXPECT_THAT(status.error_output, HasSubstr("the output could not be written"));
}

}  // namespace
}  // namespace embedd::test
