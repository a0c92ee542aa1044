// Lines into a pipe whose reader hangs: nobody waits, memory is bounded, and what is missing is said.
#include "base/background_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <thread>

namespace embedd {
namespace {

constexpr std::size_t kMost = 4096;

/// A pipe that holds 4 KiB.
class Pipe {
 public:
  Pipe() {
    EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0);
    EXPECT_EQ(fcntl(ends_[1], F_SETPIPE_SZ, 4096), 4096);
  }
  ~Pipe() {
    close_reader();
    close(ends_[1]);
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;

  [[nodiscard]] int write_end() const { return ends_[1]; }
  void close_reader() {
    if (ends_[0] >= 0) close(ends_[0]);
    ends_[0] = -1;
  }
  /// All that comes until `end` has come.
  std::string read_until(const std::string& end) const {
    std::string out;
    char next = 0;
    while (!out.ends_with(end) && read(ends_[0], &next, 1) == 1) out += next;
    return out;
  }

 private:
  int ends_[2] = {-1, -1};
};

std::string notice(std::uint64_t lines) { return fmt::format("{} lines are missing\n", lines); }

TEST(BackgroundWriter, WritesLinesInTheirOrder) {
  const Pipe pipe;
  BackgroundWriter writer(pipe.write_end(), kMost, notice);
  std::string all;
  for (int i = 0; i < 100; ++i) {
    const std::string line = fmt::format("line {}\n", i);
    all += line;
    writer.write(line);
  }
  EXPECT_TRUE(writer.flush(seconds(60)));
  EXPECT_EQ(pipe.read_until("line 99\n"), all);
  EXPECT_EQ(writer.dropped(), 0U);
}

TEST(BackgroundWriter, NeverWaitsForItsReaderAndSaysWhatIsMissing) {
  const Pipe pipe;
  BackgroundWriter writer(pipe.write_end(), kMost, notice);
  constexpr int kLines = 100'000;
  for (int i = 0; i < kLines; ++i) writer.write(fmt::format("line {}\n", i));
  const std::uint64_t dropped = writer.dropped();
  EXPECT_GT(dropped, 90'000U) << "what waits is bounded";
  EXPECT_FALSE(writer.flush(milliseconds(1)));

  // The reader is back. Each notice stands where so many lines are missing.
  std::uint64_t next = 0, missing = 0;
  while (next < kLines) {
    const std::string line = pipe.read_until("\n");
    ASSERT_FALSE(line.empty());
    if (line.starts_with("line ")) {
      ASSERT_EQ(line, fmt::format("line {}\n", next++));
    } else {
      const std::uint64_t lines = std::stoull(line);
      ASSERT_EQ(line, notice(lines));
      next += lines;
      missing += lines;
    }
  }
  EXPECT_EQ(missing, dropped);
  writer.write("the next\n");
  EXPECT_EQ(pipe.read_until("the next\n"), "the next\n");
  EXPECT_TRUE(writer.flush(seconds(60)));
  EXPECT_EQ(writer.dropped(), dropped);
}

TEST(BackgroundWriter, ALineThatIsTooLongIsMissingAndNothingElse) {
  const Pipe pipe;
  BackgroundWriter writer(pipe.write_end(), kMost, notice);
  writer.write(std::string(kMost + 1, 'x'));
  EXPECT_EQ(pipe.read_until("missing\n"), notice(1));
  EXPECT_TRUE(writer.flush(seconds(60)));
  writer.write("short\n");
  EXPECT_EQ(pipe.read_until("short\n"), "short\n");
}

TEST(BackgroundWriter, GoesOnWithoutAReader) {
  Pipe pipe;
  pipe.close_reader();
  BackgroundWriter writer(pipe.write_end(), kMost, notice);
  for (int i = 0; i < 10'000; ++i) writer.write("for nobody\n");
  EXPECT_TRUE(writer.flush(seconds(60)));
}

TEST(BackgroundWriter, WaitsWhereSomebodyMadeTheDescriptorNonblocking) {
  const Pipe pipe;
  ASSERT_EQ(fcntl(pipe.write_end(), F_SETFL, O_NONBLOCK), 0);
  BackgroundWriter writer(pipe.write_end(), 100'000, notice);
  const std::string line = std::string(20'000, 'x') + "\n";
  writer.write(line);
  EXPECT_EQ(pipe.read_until("\n"), line);
}

TEST(BackgroundWriter, MayGoWhileAWriteHangs) {
  const Pipe pipe;
  BackgroundWriter writer(pipe.write_end(), 100'000, notice);
  writer.write(std::string(20'000, 'x'));
}

}  // namespace
}  // namespace embedd
