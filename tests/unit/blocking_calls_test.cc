// Calls that block: a bounded number at a time, each answered once, in time.
#include "serve/blocking_calls.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <optional>

namespace embedd {
namespace {

using serve::BlockingCalls;
using serve::HttpReply;

/// A call that ends when it is told to, and its reply.
struct Held {
  BlockingCalls::Call call() {
    return [this] {
      until.get_future().wait();
      return HttpReply{.body = "done"};
    };
  }
  BlockingCalls::Done done() {
    return [this](HttpReply reply) {
      ++answers;
      answer.set_value(std::move(reply.body));
    };
  }
  std::promise<void> until;
  std::promise<std::string> answer;
  std::atomic<int> answers{0};
};

TEST(BlockingCalls, AreAsManyAsMayBe) {
  Held first, second, third;
  std::optional<BlockingCalls> calls(std::in_place, 2, seconds(60));
  EXPECT_TRUE(calls->run(first.call(), {}, first.done()));
  EXPECT_TRUE(calls->run(second.call(), {}, second.done()));
  EXPECT_FALSE(calls->run(third.call(), {}, third.done()));
  first.until.set_value();
  EXPECT_EQ(first.answer.get_future().get(), "done");
  EXPECT_TRUE(calls->run(third.call(), {}, third.done())) << "there is a thread again";
  second.until.set_value();
  third.until.set_value();
  calls.reset();
  EXPECT_EQ(second.answers + third.answers, 2) << "the end waits for the calls";
}

TEST(BlockingCalls, AreAnsweredOnceIfTheyAreLate) {
  Held slow, next;
  std::optional<BlockingCalls> calls(std::in_place, 1, milliseconds(20));
  EXPECT_TRUE(calls->run(slow.call(), {.body = "late"}, slow.done()));
  EXPECT_EQ(slow.answer.get_future().get(), "late");
  EXPECT_FALSE(calls->run(next.call(), {}, next.done())) << "the thread is still at work";
  slow.until.set_value();
  calls.reset();
  EXPECT_EQ(slow.answers, 1);
}

TEST(BlockingCalls, EndWithoutAnyCall) { const BlockingCalls calls(4, seconds(1)); }

}  // namespace
}  // namespace embedd
