// A database that cannot be reached for an hour: how often it is tried, on a clock of our own.
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <semaphore>

#include "app/start_up.h"
#include "pg/pipeline.h"
#include "support/manual_clock.h"

namespace embedd {
namespace {

using std::chrono::hours;
using test::ManualClock;

/// A port of loopback that refuses connections for as long as this lives: it is bound, and nobody listens.
class ClosedPort {
 public:
  ClosedPort() : fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
  }
  ~ClosedPort() { close(fd_); }
  ClosedPort(const ClosedPort&) = delete;
  ClosedPort& operator=(const ClosedPort&) = delete;
  [[nodiscard]] int port() const { return port_; }

 private:
  int fd_;
  int port_ = 0;
};

TEST(Reconnecting, AWorkerThatStartsBeforeItsDatabaseAsksEveryFewSeconds) {
  Random random(1);
  Duration passed{};
  unsigned attempts = 1, in_the_first_minute = 1;
  while (passed < hours(1)) {
    const Duration pause = embedd::app::start_pause(attempts, random);
    passed += pause;
    ++attempts;
    if (passed < minutes(1)) ++in_the_first_minute;
    if (attempts > 8) {
      EXPECT_GE(pause, seconds(5));
      EXPECT_LE(pause, seconds(10)) << "and so it begins soon after the database is there";
    }
  }
  EXPECT_LE(attempts, 3600U / 5);
  EXPECT_LE(in_the_first_minute, 15U);
}

TEST(Reconnecting, AConnectionThatIsLostIsTriedEveryFewSeconds) {
  const ClosedPort closed;
  ManualClock clock;
  std::counting_semaphore<> woken(0);
  std::atomic<unsigned> attempts = 0;
  pg::PipelineOptions options;
  options.conninfo_now = [&]() -> std::optional<Secret> {
    ++attempts;
    return Secret("host=127.0.0.1 port=" + std::to_string(closed.port()));
  };
  pg::Pipeline pipeline(std::move(options), clock, [&] { woken.release(); });
  const Instant end = clock.now() + hours(1);
  while (clock.now() < end) {
    woken.acquire();  // an attempt has failed
    pipeline.take();
    ASSERT_FALSE(pipeline.ready());
    const auto next = pipeline.wake_at();
    ASSERT_TRUE(next);
    const unsigned before = attempts;
    clock.go_to(*next - milliseconds(1));
    pipeline.take();
    EXPECT_EQ(attempts, before) << "not before its time";
    clock.go_to(*next);
    pipeline.take();
  }
  EXPECT_GE(attempts, 3600U / 5);
  EXPECT_LE(attempts, 3600U / 2) << "at most one every few seconds";
  woken.acquire();
}

}  // namespace
}  // namespace embedd
