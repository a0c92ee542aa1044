// How many rows a statement writes, by how long the last ones took.
#include "queue/write_pace.h"

#include <gtest/gtest.h>

namespace embedd::queue {
namespace {

/// Writes full statements into a table whose rows take `per_row` each; returns how long the longest took.
Duration write(WritePace& pace, int statements, Duration per_row) {
  Duration longest{};
  for (int i = 0; i < statements; ++i) {
    const std::size_t rows = pace.rows();
    const Duration took = milliseconds(2) + per_row * rows;
    longest = std::max(longest, took);
    pace.wrote(rows, took);
  }
  return longest;
}

TEST(WritePace, AFastTableIsWrittenInLongStatementsSoon) {
  WritePace pace;
  write(pace, 6, std::chrono::microseconds(80));
  EXPECT_EQ(pace.rows(), WritePace::kMostRows);
}

TEST(WritePace, ASlowTableIsWrittenInStatementsOfHalfASecond) {
  for (const Duration per_row : {milliseconds(9), milliseconds(50), milliseconds(250)}) {
    WritePace pace;
    EXPECT_LE(write(pace, 100, per_row),
              std::max<Duration>(WritePace::kAim, WritePace::kFirstRows * per_row + milliseconds(2)));
    EXPECT_GE(pace.rows() * per_row + per_row, WritePace::kAim * 9 / 10);
  }
}

TEST(WritePace, ARowIsWrittenHoweverSlow) {
  WritePace pace;
  write(pace, 3, seconds(5));
  EXPECT_EQ(pace.rows(), 1U);
}

TEST(WritePace, ATableThatHasBecomeSlowIsNoticedAtOnceAndForgivenSlowly) {
  WritePace pace;
  write(pace, 10, std::chrono::microseconds(80));
  pace.wrote(WritePace::kMostRows, seconds(5));
  EXPECT_EQ(pace.rows(), 51U);
  pace.wrote(51, milliseconds(1));
  EXPECT_EQ(pace.rows(), 102U);
}

TEST(WritePace, AStatementThatWasCanceledIsNotSentAsItWas) {
  WritePace pace;
  write(pace, 10, std::chrono::microseconds(80));
  for (const std::size_t rows : {128U, 32U, 8U, 2U, 1U, 1U}) {
    pace.canceled(pace.rows());
    EXPECT_EQ(pace.rows(), rows);
  }
}

TEST(WritePace, KeepsWithinTheBoundsOfAnotherPurpose) {
  WritePace pace({.first = 500, .least = 50, .most = 5000, .aim = milliseconds(100)});
  EXPECT_EQ(pace.rows(), 500U);
  write(pace, 6, std::chrono::microseconds(1));
  EXPECT_EQ(pace.rows(), 5000U);
  pace.wrote(5000, milliseconds(200));
  EXPECT_EQ(pace.rows(), 2500U);
  pace.wrote(2500, seconds(100));
  EXPECT_EQ(pace.rows(), 50U);
  pace.wrote(50, seconds(100));
  pace.canceled(50);
  EXPECT_EQ(pace.rows(), 50U);
}

TEST(WritePace, AFewRowsSayLittle) {
  WritePace pace;
  write(pace, 10, std::chrono::microseconds(80));
  pace.wrote(3, milliseconds(3));
  EXPECT_EQ(pace.rows(), WritePace::kMostRows);
  pace.wrote(3, seconds(3));
  EXPECT_EQ(pace.rows(), 1U);
}

}  // namespace
}  // namespace embedd::queue
