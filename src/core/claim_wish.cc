#include "core/claim_wish.h"

namespace embedd {

namespace {

/// No more is claimed while so many claims' worth of a vectorizer's jobs wait to be settled: jobs that need
/// no vector come as fast as they can be claimed, and their leases would lapse before their turn.
constexpr std::size_t kClaimsToSettle = 16;
/// A table that takes so long for what it was given needs no more yet: what is bought meanwhile would wait in
/// memory.
constexpr Duration kSlowStore = seconds(10);

}  // namespace

bool wants_claim(const ClaimSchedule& schedule, const Rest& rest, const WorkUnderWay& work, Instant now) {
  if (!schedule.ready(now) || rest.resting(now) || !work.endpoint_usable) return false;
  if (work.settling >= kClaimsToSettle * work.claim_rows) return false;
  const bool buffer_empty = work.fresh == 0 && work.suspects == 0;
  if (rest.probing() && (!buffer_empty || work.requests > 0)) return false;
  if (work.storing_for && (rest.probing() || *work.storing_for >= kSlowStore)) return false;
  // One request ahead keeps them coming; while the endpoint is probed, one small request is all there may be.
  if (work.endpoint_probing) return buffer_empty && work.endpoint_open;
  return work.fresh < work.wanted && work.suspects < work.claim_rows;
}

}  // namespace embedd
