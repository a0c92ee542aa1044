#include "core/claim_wish.h"

namespace embedd {

namespace {

/// No more is claimed while so many claims' worth of a vectorizer's jobs wait to be settled: jobs that need
/// no vector come as fast as they can be claimed, and their leases would lapse before their turn.
constexpr std::size_t kClaimsToSettle = 16;

}  // namespace

bool wants_claim(const ClaimSchedule& schedule, const Rest& rest, const WorkUnderWay& work, Instant now) {
  if (!schedule.ready(now) || rest.resting(now) || !work.endpoint_usable) return false;
  if (work.settling >= kClaimsToSettle * work.claim_rows) return false;
  const bool buffer_empty = work.fresh == 0 && work.suspects == 0;
  if (rest.probing() && (!buffer_empty || work.requests > 0)) return false;
  if (rest.probing() ? work.storing : work.storing_slowly) return false;
  // One request ahead keeps them coming; while the endpoint is probed, one small request is all there may be.
  if (work.endpoint_probing) return buffer_empty && work.endpoint_open;
  return work.fresh < work.wanted && work.suspects < work.claim_rows;
}

}  // namespace embedd
