#include "core/claim_wish.h"

namespace embedd {

namespace {

/// A vectorizer claims no more while this many claims' worth of its jobs wait to be settled. Jobs that need
/// no vector can be claimed faster than they are settled, and the leases of the last would lapse.
constexpr std::size_t kClaimsToSettle = 16;
/// A vectorizer claims no more while its table takes this long to store: further vectors would only wait in
/// memory.
constexpr Duration kSlowStore = seconds(10);

}  // namespace

bool wants_claim(const ClaimSchedule& schedule, const Rest& rest, const WorkUnderWay& work, Instant now) {
  if (!schedule.ready(now) || rest.resting(now) || !work.endpoint_usable) return false;
  if (work.settling >= kClaimsToSettle * work.claim_rows) return false;
  const bool buffer_empty = work.fresh == 0 && work.suspects == 0;
  if (rest.probing() && (!buffer_empty || work.requests > 0)) return false;
  if (work.storing_for && (rest.probing() || *work.storing_for >= kSlowStore)) return false;
  // One request ahead keeps answers coming. While the endpoint is probed, only one small request is allowed.
  if (work.endpoint_probing) return buffer_empty && work.endpoint_open;
  return work.fresh < work.wanted && work.suspects < work.claim_rows;
}

}  // namespace embedd
