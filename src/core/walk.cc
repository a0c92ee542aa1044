#include "core/walk.h"

#include "core/retry_policy.h"
#include "core/walk_pace.h"

namespace embedd {

void Walk::failed(Instant now, Random& random) {
  page_sent_ = false;
  next_page_at_ = now + backoff(seconds(1), seconds(30), ++failed_, random);
}

void Walk::walked(const WalkPage::Progress& page) {
  page_sent_ = false;
  failed_ = 0;
  deferred_ = page.deferred;
  routine_ = page.routine && !page.finished;
  under_way_ = under_way_ && !page.finished;
  cursor_ = page.finished ? Key() : page.next;
}

Duration pause_after(const WalkPage::Progress& page, bool hurried, double share, std::size_t walks) {
  if (page.deferred) return seconds(1);
  if (hurried || !page.routine || page.enqueued > 0) return {};
  return WalkPace(share).pause(page.took, walks);
}

}  // namespace embedd
