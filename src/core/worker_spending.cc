// What keeps a worker from buying the same in vain, again and again (G12): core/spending_brake.h row by row,
// and a rest for a vectorizer that stores nothing of what it buys. The loop is worker.cc.
#include <algorithm>
#include <map>
#include <utility>

#include "core/worker.h"

namespace embedd {

/// Puts jobs into the lane's buffer. Those whose rows were bought too often of late are given back for a
/// while.
void Worker::hold(Lane& lane, std::vector<HeldJob> jobs, Instant now) {
  std::map<seconds, std::vector<SettledJob>> braked;  // by how long
  for (HeldJob& held : jobs) {
    const SpendingBrake::Wait wait = state_.brake.wait(held.job, now);
    if (wait.length <= Duration{}) {
      lane.buffer.push_back(std::move(held));
      continue;
    }
    if (wait.edited) lane.vain.because(WasteReason::edited);
    braked[std::chrono::ceil<seconds>(wait.length)].push_back(settled(held));
  }
  give_back_for(lane.vectorizer, std::move(braked), now);
}

/// Jobs by how long they are to wait; what waits at all is said.
void Worker::give_back_for(const Vectorizer& vectorizer, std::map<seconds, std::vector<SettledJob>> jobs,
                           Instant now) {
  std::size_t braked = 0;
  for (auto& [delay, some] : jobs) {
    if (delay > Duration{}) braked += some.size();
    state_.settlements.send(
        vectorizer,
        {.vectorizer = vectorizer.id, .action = Action::reschedule, .jobs = std::move(some), .delay = delay},
        now);
  }
  Lane* lane = state_.lanes.find(vectorizer.id);
  if (braked == 0 || lane == nullptr) return;
  lane->vain.brake(now + jobs.rbegin()->first);
  state_.observer.braked(vectorizer, braked, lane->vain.braked_because());
}

/// What a failed request may have cost counts for its rows, here and for other workers.
void Worker::note_cost(Lane* lane, Batch& batch, const Error& error) {
  for (HeldJob& held : batch.jobs) {
    if (!error.billed) {
      state_.brake.refunded(held.job);
      continue;
    }
    state_.brake.failed(held.job);
    ++held.wasted;
  }
  if (lane != nullptr && error.billed) lane->vain.because(WasteReason::failed);
}

/// A job whose holder vanished may have been bought. That is remembered before it is bought again: if it is
/// what brings workers down, the next one knows.
void Worker::give_back_rescued(Lane& lane, std::vector<HeldJob> jobs, Instant now) {
  if (jobs.empty()) return;
  lane.vain.because(WasteReason::lapsed);
  for (HeldJob& held : jobs) held.wasted = 1;
  reschedule(lane.vectorizer, jobs, Duration{}, now);
}

/// Their leases stand, and their texts are others than were bought. If that goes for one row after another,
/// the vectorizer is asked with a few now and then, until one is stored.
void Worker::give_back_stale(const Settlements::News::Stale& stale, bool others_stored, Instant now) {
  Lane* lane = state_.lanes.find(stale.vectorizer.id);
  std::map<seconds, std::vector<SettledJob>> by_wait;
  std::size_t bought = 0;
  for (const SettledJob& job : stale.jobs) {
    const SpendingBrake::Wait wait = state_.brake.wait(
        {.vectorizer = stale.vectorizer.id, .key = job.key, .text_hash = job.text_hash}, now);
    by_wait[std::chrono::ceil<seconds>(std::max(wait.length, Duration{}))].push_back(job);
    bought += job.wasted > 0 ? 1 : 0;
  }
  if (lane != nullptr && bought > 0) lane->vain.because(WasteReason::stale);
  give_back_for(stale.vectorizer, std::move(by_wait), now);
  if (lane == nullptr || bought == 0) return;
  if (!lane->vain.thrown_away(bought, others_stored)) return;
  lane->rest.blame_rows(true);
  pause(*lane, "answer after answer is thrown away: " + lane->vain.reason(), now);
}

}  // namespace embedd
