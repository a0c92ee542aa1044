// Every reason for which a vectorizer is not given more jobs, one row each.
#include "core/claim_wish.h"

#include <gtest/gtest.h>

namespace embedd {
namespace {

constexpr Instant kNow = Instant{} + seconds(1000);
constexpr std::uint32_t kRows = 100;

enum class Rested { never, rests, rested };

struct Wish {
  const char* name;
  WorkUnderWay work;
  bool wants;
  bool due = true;
  Rested rest = Rested::never;
};

class Wishes : public testing::TestWithParam<Wish> {};

TEST_P(Wishes, AreGrantedWhileTheWorkUnderWayIsNotEnough) {
  Random random(1);
  ClaimSchedule schedule;
  if (GetParam().due) schedule.due();
  Rest rest;
  if (GetParam().rest == Rested::rests) rest.begin("refused", kNow, random);
  if (GetParam().rest == Rested::rested) rest.begin("refused", kNow - minutes(10), random);
  WorkUnderWay work = GetParam().work;
  if (work.wanted == 0) work.wanted = 50;
  work.claim_rows = kRows;
  EXPECT_EQ(wants_claim(schedule, rest, work, kNow), GetParam().wants);
}

INSTANTIATE_TEST_SUITE_P(
    ClaimWish, Wishes,
    testing::Values(
        Wish{"nothing_is_under_way", {}, true},  //
        Wish{"nothing_is_due", {}, false, false},
        Wish{"the_vectorizer_rests", {}, false, true, Rested::rests},
        Wish{"the_endpoint_rests", {.endpoint_usable = false}, false},
        Wish{"too_few_jobs_for_a_request", {.fresh = 49}, true},
        Wish{"a_request_is_ahead", {.fresh = 50}, false},
        Wish{"suspects_are_no_request_ahead", {.suspects = 99}, true},
        Wish{"a_claim_of_suspects", {.suspects = kRows}, false},
        Wish{"requests_in_flight", {.requests = 60}, true},
        Wish{"settlements_do_not_pile_up", {.settling = 16 * kRows - 1}, true},
        Wish{"settlements_pile_up", {.settling = 16 * kRows}, false},
        Wish{"a_table_that_stores", {.storing_for = milliseconds(9999)}, true},
        Wish{"a_table_that_stores_slowly", {.storing_for = seconds(10)}, false},
        Wish{"an_endpoint_that_is_probed", {.endpoint_probing = true}, true},
        Wish{"a_probe_is_in_flight", {.endpoint_probing = true, .endpoint_open = false}, false},
        Wish{"jobs_for_a_probe_are_here", {.endpoint_probing = true, .fresh = 1}, false},
        Wish{"suspects_for_a_probe_are_here", {.endpoint_probing = true, .suspects = 1}, false},
        Wish{"a_closed_gate_is_for_dispatch", {.endpoint_open = false}, true},
        Wish{"a_vectorizer_that_rested", {}, true, true, Rested::rested},
        Wish{"its_probe_is_here", {.fresh = 1}, false, true, Rested::rested},
        Wish{"its_probe_is_a_suspect", {.suspects = 1}, false, true, Rested::rested},
        Wish{"its_probe_is_in_flight", {.requests = 1}, false, true, Rested::rested},
        Wish{"its_probe_is_being_stored", {.storing_for = Duration{}}, false, true, Rested::rested},
        Wish{"its_settlements_wait_to_be_sent", {.settling = 5}, true, true, Rested::rested}),
    [](const auto& test) { return std::string(test.param.name); });

}  // namespace
}  // namespace embedd
