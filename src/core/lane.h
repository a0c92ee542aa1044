/// What the worker knows of one vectorizer: mostly objects, each of which alone changes its state.
#pragma once

#include "core/answer_doubts.h"
#include "core/batch.h"
#include "core/claim_schedule.h"
#include "core/found_limits.h"
#include "core/job.h"
#include "core/job_sizes.h"
#include "core/learned_limits.h"
#include "core/purse.h"
#include "core/rest.h"
#include "core/table_lock.h"
#include "core/trust.h"
#include "core/vain_purchases.h"
#include "core/walk.h"

namespace embedd {

struct Lane {
  Vectorizer vectorizer;
  bool listed = true;  ///< in the last poll; set by Lanes
  JobBuffer buffer;    ///< claimed, not yet in a request
  JobSizes sizes;
  std::int64_t jobs_estimate = 0;  ///< in the queue, by the last poll
  ClaimSchedule claims;
  Walk walk;
  TableLock lock;

  Rest rest;
  Trust trust;
  AnswerDoubts doubts;
  VainPurchases vain;
  Purse purse;            ///< of the vectorizer's budget
  bool unpriced = false;  ///< a budget in dollars limits the vectorizer, and its model's price is unknown

  FoundLimits limits;
  LimitsMemory memory;  ///< what the database remembers of the limits

  [[nodiscard]] bool resting(Instant now) const { return vectorizer.stopped || !listed || rest.resting(now); }
};

}  // namespace embedd
