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
using Started = BlockingCalls::Started;

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
  std::optional<BlockingCalls> calls(std::in_place,
                                     BlockingCalls::Limits{.calls = 2, .deadline = seconds(60)});
  EXPECT_EQ(calls->run({}, first.call(), {}, first.done()), Started::yes);
  EXPECT_EQ(calls->run({}, second.call(), {}, second.done()), Started::yes);
  EXPECT_EQ(calls->run({}, third.call(), {}, third.done()), Started::too_many);
  first.until.set_value();
  EXPECT_EQ(first.answer.get_future().get(), "done");
  EXPECT_EQ(calls->run({}, third.call(), {}, third.done()), Started::yes) << "there is a thread again";
  second.until.set_value();
  third.until.set_value();
  calls.reset();
  EXPECT_EQ(second.answers + third.answers, 2) << "the end waits for the calls";
}

TEST(BlockingCalls, AreNotAllOfOneOwner) {
  Held first, second, third, nobodys;
  std::optional<BlockingCalls> calls(std::in_place, BlockingCalls::Limits{.calls = 3, .calls_of_one = 1});
  EXPECT_EQ(calls->run(7, first.call(), {}, first.done()), Started::yes);
  EXPECT_EQ(calls->run(7, third.call(), {}, third.done()), Started::too_many_of_one);
  EXPECT_EQ(calls->run(8, second.call(), {}, second.done()), Started::yes);
  EXPECT_EQ(calls->run({}, nobodys.call(), {}, nobodys.done()), Started::yes);
  EXPECT_EQ(calls->run(7, third.call(), {}, third.done()), Started::too_many) << "whoever it is";
  first.until.set_value();
  EXPECT_EQ(first.answer.get_future().get(), "done");
  EXPECT_EQ(calls->run(7, third.call(), {}, third.done()), Started::yes) << "the owner's call has ended";
  for (Held* each : {&second, &third, &nobodys}) each->until.set_value();
  calls.reset();
  EXPECT_EQ(second.answers + third.answers + nobodys.answers, 3);
}

TEST(BlockingCalls, AreAnsweredOnceIfTheyAreLate) {
  Held slow, next;
  std::optional<BlockingCalls> calls(std::in_place,
                                     BlockingCalls::Limits{.calls = 1, .deadline = milliseconds(20)});
  EXPECT_EQ(calls->run({}, slow.call(), {.body = "late"}, slow.done()), Started::yes);
  EXPECT_EQ(slow.answer.get_future().get(), "late");
  EXPECT_EQ(calls->run({}, next.call(), {}, next.done()), Started::too_many) << "the thread is still at work";
  slow.until.set_value();
  calls.reset();
  EXPECT_EQ(slow.answers, 1);
}

TEST(BlockingCalls, EndWithoutAnyCall) { const BlockingCalls calls({}); }

}  // namespace
}  // namespace embedd
