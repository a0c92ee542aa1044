#include "core/job_sizes.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

TEST(JobSizes, AreThoseOfTheLastClaimAndRequest) {
  JobSizes sizes;
  EXPECT_EQ(sizes.bytes_per_text(), 0U);
  EXPECT_EQ(sizes.tokens_per_job(), 250U);
  sizes.claimed(4, 1001);
  sizes.requested(10, 305);
  EXPECT_EQ(sizes.bytes_per_text(), 250U);
  EXPECT_EQ(sizes.tokens_per_job(), 30U);
  sizes.claimed(0, 0);  // of jobs that need no vector
  EXPECT_EQ(sizes.bytes_per_text(), 250U);
  sizes.requested(10, 3);
  EXPECT_EQ(sizes.tokens_per_job(), 1U);
}

}  // namespace
}  // namespace embedd
