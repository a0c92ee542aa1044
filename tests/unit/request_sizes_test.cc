// How many rows a claim takes: at most 50, from an endpoint that is sent four texts in a request until it
// answers.
#include "core/request_sizes.h"

#include <gtest/gtest.h>

#include "support/worker_parts.h"

namespace embedd {
namespace {

class ClaimSizes : public test::WorkerParts {
 protected:
  ClaimSizes() : WorkerParts({.claim_rows = 50}) {}

  void takes(std::uint32_t inputs) {
    gate().refresh(KeyState::present, 1, {.max_in_flight = 4, .max_inputs = inputs});
  }
  /// The endpoint answers a request of 100 texts at once.
  void answers() {
    gate().started(now);
    gate().answered({.started_at = now, .took = milliseconds(1), .inputs = 100, .most = 100}, 100, now);
  }
};

TEST_F(ClaimSizes, AreThoseOfTheRequestsThatThePaceAllows) {
  EXPECT_EQ(batch_inputs(state, notes), 4U);
  EXPECT_EQ(rows_of_claim(state, notes), 8U);
}

TEST_F(ClaimSizes, LeaveNoRestForASmallRequest) {
  takes(3);
  EXPECT_EQ(batch_inputs(state, notes), 3U);
  EXPECT_EQ(rows_ahead(state, notes), 8U);
  EXPECT_EQ(rows_of_claim(state, notes), 6U);
  answers();
  EXPECT_EQ(rows_ahead(state, notes), 50U);
  EXPECT_EQ(rows_of_claim(state, notes), 48U);
}

TEST_F(ClaimSizes, AreTheMostWhereARequestTakesMore) {
  answers();
  EXPECT_GT(batch_inputs(state, notes), 50U);
  EXPECT_EQ(rows_of_claim(state, notes), 50U);
}

}  // namespace
}  // namespace embedd
