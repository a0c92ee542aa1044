/// When to claim jobs of one vectorizer next.
///
/// Jobs are due when a hint, a poll, a walk or our own settlements say so. The last claim that found jobs is
/// followed by a few others soon, since a commit may have raced with it; then the schedule waits until it is
/// told again. Claims that fail are repeated less and less often.
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
  /// A hint, or a page of a walk: jobs are due, claim them now.
  void due_now(Instant now);
  /// A poll: jobs are due. The time of the next claim stays as it is.
  void due() { due_ = true; }
  /// Jobs left the queue. A commit on a leased row sends no hint: look again soon.
  void look_again(Instant now);

  /// Whether a claim may go out, as far as this vectorizer alone goes.
  [[nodiscard]] bool ready(Instant now) const { return due_ && !claiming_ && now >= next_at_; }
  void sent(Instant now);
  /// Each claim that was sent ends with one of these.
  void failed(Instant now, Random& random);
  void found_none(bool follow_up, Instant now);
  void found(bool more, Instant now);

  [[nodiscard]] bool jobs_due() const { return due_; }
  /// A claim is on its way …
  [[nodiscard]] bool claiming() const { return claiming_; }
  /// … or was, and went out then: its leases may have begun as early.
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
