/// What the worker remembers of one vectorizer: its buffer of claimed jobs, and when to ask for more.
#pragma once

#include <limits>
#include <string>

#include "core/batch.h"
#include "core/claim_schedule.h"
#include "core/input_limit.h"
#include "core/ports.h"
#include "core/silent_cut.h"
#include "core/spending_brake.h"
#include "core/table_lock.h"
#include "core/text_limit.h"
#include "core/walk.h"

namespace embedd {

struct Lane {
  Vectorizer vectorizer;
  JobBuffer buffer;           ///< claimed, not yet in a request
  std::size_t in_flight = 0;  ///< requests

  std::size_t tokens_per_job = 250;  ///< of the last request
  std::size_t bytes_per_text = 0;    ///< of the last claim

  bool listed = true;  ///< still in the last poll
  ClaimSchedule claims;
  Walk walk;
  TableLock lock;

  // Its own troubles, as told apart from its endpoint's.
  Instant paused_until{};
  unsigned pauses = 0;        ///< in a row
  std::string rests_because;  ///< of the last pause
  bool rows_refused = false;  ///< it rests because its table refused row after row
  bool accepted_before = false;
  std::size_t failed_alone = 0;  ///< since the last accepted request
  bool doubted = false;          ///< nothing is sent but the canary, until that is answered
  bool canary_sent = false;
  InputLimit learned_inputs;                                             ///< per request, from refusals
  TextLimit learned_tokens;                                              ///< per input, from refusals
  LimitsMemory memory;                                                   ///< of these, in the database
  std::size_t learned_pieces = std::numeric_limits<std::size_t>::max();  ///< per text, from refusals

  SilentCut cut;                   ///< by the server, as its answers show
  Instant equals_trusted_until{};  ///< until then, different texts may have the same vector

  // What it buys in vain.
  std::uint64_t unbooked_requests = 0, unbooked_tokens = 0;  ///< of answers that were not believed
  std::size_t thrown_away = 0;                               ///< answers in a row that could not be stored
  WasteReason waste = WasteReason::unknown;                  ///< of late
  Instant braked_until{};                                    ///< some of its rows
  std::string braked_because;

  /// It has rested, and nothing has been stored for it since: ask with one row.
  [[nodiscard]] bool probing() const { return pauses > 0; }
  [[nodiscard]] bool resting(Instant now) const { return vectorizer.paused || !listed || now < paused_until; }
};

}  // namespace embedd
