// A server's limit on the inputs of a request, found from its refusals.
#include "core/input_limit.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace embedd {
namespace {

/// One request to a server that takes at most `limit` inputs, and what is refused of it in halves. True: all
/// of it is taken in the end.
int ask(InputLimit& believed, std::uint32_t limit, std::uint32_t inputs) {
  if (inputs <= limit) {
    believed.accepted(inputs);
    return 0;
  }
  believed.too_large(inputs);
  const int refusals = 1 + ask(believed, limit, inputs / 2) + ask(believed, limit, inputs - inputs / 2);
  // Of those that were refused again, nobody knows any more that they belonged together.
  if (inputs - inputs / 2 <= limit) believed.too_many(inputs);
  return refusals;
}

/// Asks with as many as are believed to be taken, of `bulk`. How often it was refused.
int refusals_of(InputLimit& believed, std::uint32_t limit, int requests, std::uint32_t bulk = 170) {
  int refusals = 0;
  for (int i = 0; i < requests; ++i) refusals += ask(believed, limit, std::min(bulk, believed.most()));
  return refusals;
}

TEST(InputLimit, IsNoneUntilSomethingIsRefused) {
  InputLimit limit;
  limit.accepted(2048);
  EXPECT_EQ(limit.most(), InputLimit::kNone);
}

TEST(InputLimit, IsFoundWithinAHandfulOfRefusals) {
  for (const std::uint32_t real : {1U, 2U, 10U, 25U, 32U, 96U, 100U, 128U}) {
    InputLimit limit;
    // The first request is taken apart as a whole, since nothing is known yet.
    const int first = refusals_of(limit, real, 1);
    EXPECT_LE(refusals_of(limit, real, 60), 8) << real;
    EXPECT_EQ(limit.most(), real) << first;
    EXPECT_LE(refusals_of(limit, real, 10'000), 8) << "and then hardly asked for again: " << real;
  }
}

TEST(InputLimit, ThatIsRaisedIsFoundAgain) {
  InputLimit limit;
  refusals_of(limit, 10, 100);
  refusals_of(limit, 100, 1000);
  EXPECT_EQ(limit.most(), 100U);
}

TEST(InputLimit, ThatIsLoweredIsFoundAgain) {
  InputLimit limit;
  refusals_of(limit, 100, 100);
  EXPECT_LE(refusals_of(limit, 7, 100), 40);
  EXPECT_EQ(limit.most(), 7U);
}

TEST(InputLimit, ThatIsNamedIsBelievedUntilItIsRefused) {
  InputLimit limit;
  limit.named(32);
  EXPECT_EQ(limit.most(), 32U);
  limit.named(64);
  EXPECT_EQ(limit.most(), 32U) << "33 are too many";
  EXPECT_LE(refusals_of(limit, 32, 100), 2) << "one more is tried";
  EXPECT_EQ(limit.most(), 32U);
  EXPECT_LE(refusals_of(limit, 10, 100), 40) << "it was a lie";
  EXPECT_EQ(limit.most(), 10U);
  limit.named(0);
  EXPECT_EQ(limit.most(), 10U);
}

// One long text among short ones, which go out together again soon.
TEST(InputLimit, ARefusalThatWasNotTheNumbersFaultIsForgotten) {
  InputLimit limit;
  limit.too_large(100);
  EXPECT_EQ(limit.most(), 50U);
  EXPECT_EQ(refusals_of(limit, 2048, 10, 100), 0);
  EXPECT_GE(limit.most(), 100U);
}

}  // namespace
}  // namespace embedd
