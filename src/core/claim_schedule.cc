#include "core/claim_schedule.h"

#include <algorithm>
#include <iterator>

#include "core/retry_policy.h"

namespace embedd {

namespace {

/// When to claim again after the last claim that found jobs: a commit may have raced with that claim.
constexpr Duration kFollowUps[] = {milliseconds(10), milliseconds(40), milliseconds(200), milliseconds(1000)};
/// How long after a settlement to claim again.
constexpr Duration kLookAgain = milliseconds(10);

}  // namespace

void ClaimSchedule::due_now(Instant now) {
  due_ = true;
  next_at_ = std::min(next_at_, now);
}

void ClaimSchedule::look_again(Instant now) {
  empty_ = 0;
  if (due_) return;
  due_ = true;
  next_at_ = now + kLookAgain;
}

void ClaimSchedule::sent(Instant now) {
  claiming_ = true;
  sent_at_ = now;
}

void ClaimSchedule::failed(Instant now, Random& random) {
  claiming_ = false;
  next_at_ = now + backoff(milliseconds(200), seconds(5), ++failed_, random);
}

void ClaimSchedule::found_none(bool follow_up, Instant now) {
  claiming_ = false;
  failed_ = 0;
  const unsigned empty = empty_++;
  due_ = follow_up && empty < std::size(kFollowUps);
  if (due_) next_at_ = now + kFollowUps[empty];
}

void ClaimSchedule::found(bool more, Instant now) {
  claiming_ = false;
  failed_ = empty_ = 0;
  due_ = true;
  next_at_ = more ? now : now + kFollowUps[0];
}

}  // namespace embedd
