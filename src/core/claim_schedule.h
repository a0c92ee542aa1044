/// When to claim jobs of one vectorizer next.
///
/// A hint, a poll, a walk or a settlement of this worker says that jobs are due. After the last claim that
/// found jobs the schedule claims a few more times soon, because a commit may have raced with that claim.
/// Then it waits until jobs are due again. Failed claims are repeated at growing intervals.
///
/// Invariant: at most one claim is on its way, and a claim goes out only while jobs are due.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/units.h"
#include "core/random.h"

namespace embedd {

class ClaimSchedule {
 public:
  /// A hint, or a page of a walk: jobs are due, so claim at once.
  void due_now(Instant now);
  /// A poll: jobs are due. The time of the next claim does not change.
  void due() { due_ = true; }
  /// Jobs left the queue. Claims again soon, because a commit that changes a leased row sends no hint.
  void look_again(Instant now);

  /// Whether this schedule allows a claim now.
  [[nodiscard]] bool ready(Instant now) const { return due_ && !claiming_ && now >= next_at_; }
  void sent(Instant now);
  /// Each claim that was sent ends with one of these calls.
  void failed(Instant now, Random& random);
  void found_none(bool follow_up, Instant now);
  void found(bool more, Instant now);

  [[nodiscard]] bool jobs_due() const { return due_; }
  /// A claim is on its way.
  [[nodiscard]] bool claiming() const { return claiming_; }
  /// When the last claim was sent, which is the earliest start of its leases.
  [[nodiscard]] Instant sent_at() const { return sent_at_; }
  /// The earliest time of the next claim.
  [[nodiscard]] Instant next_at() const { return next_at_; }

 private:
  bool due_ = false;
  bool claiming_ = false;
  Instant sent_at_{};
  Instant next_at_{};
  unsigned empty_ = 0;   ///< claims in a row
  unsigned failed_ = 0;  ///< claims in a row
};

}  // namespace embedd
