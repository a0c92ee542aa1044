/// What the worker remembers of one vectorizer: its buffer of claimed jobs, and when to ask for more.
#pragma once

#include <limits>

#include "core/answer_doubts.h"
#include "core/batch.h"
#include "core/claim_schedule.h"
#include "core/input_limit.h"
#include "core/job_sizes.h"
#include "core/ports.h"
#include "core/rest.h"
#include "core/table_lock.h"
#include "core/text_limit.h"
#include "core/trust.h"
#include "core/vain_purchases.h"
#include "core/walk.h"

namespace embedd {

struct Lane {
  Vectorizer vectorizer;
  bool listed = true;  ///< still in the last poll
  JobBuffer buffer;    ///< claimed, not yet in a request
  JobSizes sizes;
  ClaimSchedule claims;
  Walk walk;
  TableLock lock;

  Rest rest;
  Trust trust;
  AnswerDoubts doubts;
  VainPurchases vain;

  InputLimit learned_inputs;                                             ///< per request, from refusals
  TextLimit learned_tokens;                                              ///< per input, from refusals
  LimitsMemory memory;                                                   ///< of these, in the database
  std::size_t learned_pieces = std::numeric_limits<std::size_t>::max();  ///< per text, from refusals

  [[nodiscard]] bool resting(Instant now) const { return vectorizer.paused || !listed || rest.resting(now); }
};

}  // namespace embedd
