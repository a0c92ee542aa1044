/// A walk over a vectorizer's source table, page by page, to find what the triggers never saw.
///
/// Invariant: at most one page is on its way, and no page is sent unless a walk is under way. The cursor is
/// that of the next page; without a walk it is empty.
#pragma once

#include "base/units.h"
#include "core/job.h"
#include "core/queue.h"
#include "core/random.h"

namespace embedd {

class Walk {
 public:
  /// A walk is due. A walk under way continues.
  void begin() { under_way_ = true; }

  /// Whether the next page may be asked for.
  [[nodiscard]] bool ready(Instant now) const { return under_way_ && !page_sent_ && now >= next_page_at_; }
  void page_sent() { page_sent_ = true; }
  /// Each page that was asked for ends with one of these calls.
  void failed(Instant now, Random& random);
  void walked(const WalkPage::Progress& page);
  /// Call after a page.
  void pause_until(Instant then) { next_page_at_ = then; }

  [[nodiscard]] bool under_way() const { return under_way_; }
  [[nodiscard]] bool page_on_its_way() const { return page_sent_; }
  /// The earliest time of the next page.
  [[nodiscard]] Instant next_page_at() const { return next_page_at_; }
  [[nodiscard]] const Key& cursor() const { return cursor_; }
  /// The walk was due by the clock alone, and has not ended: nobody waits for it.
  [[nodiscard]] bool routine() const { return routine_; }
  /// The last page was put off, because the queue was long enough.
  [[nodiscard]] bool deferred() const { return deferred_; }

 private:
  bool under_way_ = false;
  bool page_sent_ = false;
  bool routine_ = false;
  bool deferred_ = false;
  unsigned failed_ = 0;  ///< pages in a row
  Instant next_page_at_{};
  Key cursor_;
};

/// How long a walk pauses after a page. Nobody waits for a walk that was due by the clock alone, as long as
/// it finds nothing. All `walks` of this kind that are under way share `share` of the time (WalkPace).
/// `hurried`: somebody waits for the end of every walk.
Duration pause_after(const WalkPage::Progress& page, bool hurried, double share, std::size_t walks);

}  // namespace embedd
