/// A progress bar on a terminal's last line: rows done of all that wait, and the rate.
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "core/io.h"
#include "core/job.h"
#include "core/observer.h"
#include "core/queue.h"

namespace embedd::cli {

/// 24 blocks, `share` of them full.
std::string progress_bar(double share);

/// Draws on stderr while there is work, at most ten times a second, and clears its line when there is none.
class Progress final : public PartialObserver {
 public:
  /// `clock` must outlive this object.
  explicit Progress(const Clock& clock) : clock_(clock) {}
  ~Progress() override { clear(); }

  void clear();

  void settled(const Vectorizer& vectorizer, const Settlement& settlement, Outcome outcome,
               std::size_t jobs) override;
  void polled(const std::vector<VectorizerState>& states) override;
  void walked(const Vectorizer& vectorizer, const WalkPage::Progress& progress) override;
  void in_flight(std::size_t requests, std::size_t leases, std::size_t held_bytes) override;
  void turned() override;

 private:
  void draw(Instant now);

  const Clock& clock_;
  std::int64_t done_ = 0;           ///< since the work began
  std::int64_t left_ = 0;           ///< rows left by the last poll, with those enqueued and done since
  bool left_is_bound_ = false;      ///< the poll stopped counting, so more rows may wait
  std::set<VectorizerId> walking_;  ///< vectorizers whose walk has not ended: more rows may be found
  Instant began_at_{};              ///< when the current work began
  Instant drawn_at_{};
  bool working_ = false;  ///< something is leased, or a request is in flight
  bool visible_ = false;
};

}  // namespace embedd::cli
