// Who gets how much: memory, requests, and shares of both.
#include "core/shares.h"

#include <gtest/gtest.h>

#include "core/answer_size.h"

namespace embedd {
namespace {

const Shares kShares({.bytes = 8000, .requests = 6}, 100);

TEST(Shares, IsSharedEvenlyAndEachMayHaveARequest) {
  struct Case {
    std::size_t endpoints, bytes, requests;
  };
  for (const auto& [endpoints, bytes, requests] :
       {Case{0, 8000, 6}, Case{1, 8000, 6}, Case{2, 4000, 3}, Case{4, 2000, 1}, Case{8, 1000, 1}}) {
    EXPECT_EQ(kShares.share(endpoints).bytes, bytes);
    EXPECT_EQ(kShares.share(endpoints).requests, requests);
  }
}

TEST(Shares, AClaimTakesAnEighthAtMost) {
  EXPECT_EQ(kShares.claim_bytes(), 100U);
  EXPECT_EQ(Shares({.bytes = 8000, .requests = 6}, 5000).claim_bytes(), 1000U);
}

TEST(Shares, TakesClaimsWhileTheyFit) {
  struct Case {
    std::size_t bytes, leases, claims;
    bool takes;
  };
  for (const auto& [bytes, leases, claims, takes] : {
           Case{0, 0, 0, true},
           Case{7900, 5, 0, true},
           Case{7901, 5, 0, false},
           Case{7800, 5, 1, true},
           Case{7801, 5, 1, false},
           Case{9000, 0, 0, true},  // nothing is held that could be waited for
           Case{9000, 0, 1, false},
       })
    EXPECT_EQ(kShares.takes_claim(bytes, leases, claims), takes) << bytes << ' ' << leases << ' ' << claims;
}

TEST(Shares, TakesAClaimForAnEndpointThatHasNothingOrHasRoom) {
  EXPECT_TRUE(kShares.takes_claim_for({.bytes = 3900}, 2));
  EXPECT_FALSE(kShares.takes_claim_for({.bytes = 3901}, 2));
  EXPECT_TRUE(kShares.takes_claim_for({}, 1000)) << "its share is less than a claim";
}

TEST(Shares, TakesRequestsWithinTheWorkersAndTheEndpointsNumber) {
  struct Case {
    std::size_t all, endpoint, endpoints;
    bool takes;
  };
  for (const auto& [all, endpoint, endpoints, takes] : {
           Case{0, 0, 1, true},
           Case{5, 5, 1, true},
           Case{6, 6, 1, false},
           Case{3, 2, 2, true},
           Case{3, 3, 2, false},
           Case{5, 0, 2, true},
           Case{6, 0, 2, false},
           Case{3, 0, 100, true},  // each may have one
           Case{3, 1, 100, false},
       })
    EXPECT_EQ(kShares.takes_request(
                  {.all = {.requests = all}, .endpoint = {.requests = endpoint}, .endpoints = endpoints}),
              takes)
        << all << ' ' << endpoint << ' ' << endpoints;
}

TEST(Shares, TakesAnswersWhileTheyFitOrAreTheOnlyOnes) {
  struct Case {
    const char* name;
    Shares::Use use;
    std::size_t answer;
    bool takes;
  };
  for (const auto& [name, use, answer, takes] : {
           Case{"the only request may be of any size", {.all = {.bytes = 5000}}, 9000, true},
           Case{"the last that fits", {.all = {7000, 1}, .endpoint = {7000, 1}}, 1000, true},
           Case{"one more", {.all = {7000, 1}, .endpoint = {7000, 1}}, 1001, false},
           Case{"within the share", {.all = {5000, 2}, .endpoint = {3000, 1}, .endpoints = 2}, 1000, true},
           Case{"beyond the share", {.all = {5000, 2}, .endpoint = {3000, 1}, .endpoints = 2}, 1001, false},
           Case{"beyond the share, its only one",
                {.all = {1, 1}, .endpoint = {0, 0}, .endpoints = 2},
                5000,
                true},
       })
    EXPECT_EQ(kShares.takes_answer(answer, use), takes) << name;
}

TEST(Shares, HasRoomForSeveralRequests) {
  const Shares shares({.bytes = 6 * (kBytesPerRequest + 6000), .requests = 6}, 100);
  EXPECT_EQ(shares.most_inputs(1, 10, 6), 100U);
  EXPECT_EQ(shares.most_inputs(1, 10, 24), 25U);
  EXPECT_EQ(shares.most_inputs(100, 10, 6), 1U) << "a request of one text is always allowed";
}

}  // namespace
}  // namespace embedd
