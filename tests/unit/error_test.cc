// TRY: what it yields, what it returns, and that it neither copies nor evaluates twice.
#include "base/error.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>

namespace embedd {
namespace {

Result<std::unique_ptr<int>> make(int value) {
  if (value < 0) return fail(ErrorKind::rejected, "negative");
  return std::make_unique<int>(value);
}

Result<void> check(int value) {
  TRY(make(value));
  return {};
}

Result<std::string> twice(int value) {
  TRY(check(value));
  const auto made = TRY(make(value));
  return std::to_string(*made * 2);
}

TEST(Try, YieldsTheValueOrReturnsTheError) {
  EXPECT_EQ(twice(21).value(), "42");
  ASSERT_FALSE(twice(-1));
  EXPECT_EQ(twice(-1).error().kind, ErrorKind::rejected);
  EXPECT_EQ(twice(-1).error().message, "negative");
}

TEST(Try, MayStandWithinAnother) {
  const auto next = [](int value) -> Result<int> { return *TRY(make(value)) + 1; };
  const auto both = [&](int value) -> Result<int> { return TRY(next(TRY(next(value)))); };
  EXPECT_EQ(both(1).value(), 3);
  EXPECT_FALSE(both(-2));
  EXPECT_EQ(both(-2).error().message, "negative");
}

TEST(Try, EvaluatesOnce) {
  int calls = 0;
  const auto count = [&]() -> Result<int> { return ++calls; };
  const auto run = [&]() -> Result<std::optional<int>> { return std::optional(TRY(count())); };
  EXPECT_EQ(run().value(), 1);
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace embedd
