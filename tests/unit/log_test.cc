// The log's way to stderr: by a thread of its own in a worker, directly in a crash.
#include "base/log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>

#include "base/check.h"

namespace embedd {
namespace {

TEST(LogDeathTest, LinesThatWaitAreWrittenBeforeTheEnd) {
  EXPECT_EXIT(
      {
        log::write_in_background();
        for (int i = 0; i < 1000; ++i) log::warn("line", {{"number", i}});
        log::write_plain("the last words\n");
        log::flush();
        _exit(7);
      },
      testing::ExitedWithCode(7), "\"number\":998.*\"number\":999.*the last words");
}

TEST(LogDeathTest, ACrashIsSaidAfterTheLinesBeforeIt) {
  EXPECT_DEATH(
      {
        log::write_in_background();
        log::warn("before");
        CHECK(getpid() == 0, "detail {}", 7);
      },
      "before.*broken invariant.*getpid.*detail 7");
}

TEST(LogDeathTest, ACrashWaitsForNobodyToReadWhy) {
  EXPECT_EXIT(
      {
        int ends[2];
        if (pipe2(ends, O_NONBLOCK) != 0) _exit(1);
        while (write(ends[1], "x", 1) == 1) continue;
        if (fcntl(ends[1], F_SETFL, 0) != 0 || dup2(ends[1], STDERR_FILENO) < 0) _exit(1);
        log::write_in_background();
        log::warn("before");
        CHECK(getpid() == 0, "detail {}", 7);
      },
      testing::KilledBySignal(SIGABRT), "");
}

}  // namespace
}  // namespace embedd
