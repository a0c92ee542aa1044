/// Whether a vectorizer wants more jobs now: a pure function of its schedule, its rest, and its work under
/// way.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/claim_schedule.h"
#include "core/rest.h"

namespace embedd {

/// The work of one vectorizer that is under way, and what its endpoint allows.
struct WorkUnderWay {
  bool endpoint_usable = true;          ///< the endpoint does not rest, and its key is present
  bool endpoint_probing = false;        ///< after a fault: only small requests, one at a time
  bool endpoint_open = true;            ///< the endpoint takes a request now
  std::size_t fresh = 0;                ///< jobs in the buffer
  std::size_t suspects = 0;             ///< jobs in the buffer
  std::size_t requests = 0;             ///< in flight
  std::size_t settling = 0;             ///< jobs whose settlement has not ended
  std::optional<Duration> storing_for;  ///< how long the database has been working on a settlement
  std::uint32_t wanted = 0;             ///< fresh jobs that are enough: those of one request or of one claim
  std::uint32_t claim_rows = 0;         ///< most rows of one claim
};

bool wants_claim(const ClaimSchedule& schedule, const Rest& rest, const WorkUnderWay& work, Instant now);

}  // namespace embedd
