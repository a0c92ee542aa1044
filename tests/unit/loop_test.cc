#include "provider/loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

namespace embedd {
namespace {

Instant now() { return provider::SteadyClock().now(); }

/// The reading end of a pipe, as a source of events.
class Pipe final : public Waitable {
 public:
  Pipe() { EXPECT_EQ(pipe(ends_), 0); }
  ~Pipe() override {
    close(ends_[0]);
    close(ends_[1]);
  }
  void write_byte() { EXPECT_EQ(write(ends_[1], "x", 1), 1); }
  void add_interests(std::vector<Interest>& interests) const override {
    interests.push_back({ends_[0], true, false});
  }
  std::optional<Instant> wake_at() const override { return wake_at_; }

  std::optional<Instant> wake_at_;

 private:
  int ends_[2] = {-1, -1};
};

constexpr auto kFar = seconds(60);

TEST(Loop, ReturnsAtItsDeadlineAndNotBefore) {
  provider::Loop loop;
  const Instant deadline = now() + milliseconds(20);
  loop.wait_until(deadline);
  EXPECT_GE(now(), deadline);
}

TEST(Loop, AWakeThatCameBeforeTheWaitIsNotLost) {
  provider::Loop loop;
  loop.wake();
  const Instant deadline = now() + kFar;
  loop.wait_until(deadline);
  EXPECT_LT(now(), deadline);
}

TEST(Loop, AWakeEndsTheWaitFromAnotherThread) {
  provider::Loop loop;
  const Instant deadline = now() + kFar;
  std::jthread waker([&] { loop.wake(); });
  loop.wait_until(deadline);
  EXPECT_LT(now(), deadline);
}

TEST(Loop, ASourcesDescriptorEndsTheWait) {
  provider::Loop loop;
  Pipe pipe;
  loop.add(pipe);
  pipe.write_byte();
  const Instant deadline = now() + kFar;
  loop.wait_until(deadline);
  EXPECT_LT(now(), deadline);
}

TEST(Loop, ASourcesOwnTimeEndsTheWait) {
  provider::Loop loop;
  Pipe pipe;
  loop.add(pipe);
  pipe.wake_at_ = now() + milliseconds(10);
  const Instant deadline = now() + kFar;
  loop.wait_until(deadline);
  EXPECT_GE(now(), *pipe.wake_at_);
  EXPECT_LT(now(), deadline);
}

TEST(Loop, ARemovedSourceIsForgotten) {
  provider::Loop loop;
  Pipe pipe;
  loop.add(pipe);
  loop.remove(pipe);
  pipe.write_byte();
  const Instant deadline = now() + milliseconds(20);
  loop.wait_until(deadline);
  EXPECT_GE(now(), deadline);
}

}  // namespace
}  // namespace embedd
