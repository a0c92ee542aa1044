#include "core/job_keeper.h"

#include <algorithm>
#include <utility>

namespace embedd {

std::vector<LeasedJob> JobKeeper::affordable(Lane& lane, std::vector<LeasedJob> jobs, Instant now) {
  std::vector<LeasedJob> out;
  std::map<seconds, std::vector<SettledJob>> braked;  // by the wait
  for (LeasedJob& leased : jobs) {
    const SpendingBrake::Wait wait = state_.brake.wait(leased.job, now);
    if (wait.length <= Duration{}) {
      out.push_back(std::move(leased));
      continue;
    }
    if (wait.edited) lane.vain.because(WasteReason::edited);
    braked[std::chrono::ceil<seconds>(wait.length)].push_back(settled(leased));
  }
  give_back_for(lane.vectorizer, std::move(braked), now);
  return out;
}

void JobKeeper::buffer(Lane& lane, std::vector<LeasedJob> jobs, Instant now) {
  for (LeasedJob& leased : affordable(lane, std::move(jobs), now)) lane.buffer.push_back(std::move(leased));
}

/// `jobs` are keyed by how long they wait. Jobs that wait at all are reported.
void JobKeeper::give_back_for(const Vectorizer& vectorizer, std::map<seconds, std::vector<SettledJob>> jobs,
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

void JobKeeper::count_cost(Lane* lane, Batch& batch, const Error& error) {
  for (LeasedJob& leased : batch.jobs) {
    if (!error.billed) {
      state_.brake.refunded(leased.job);
      continue;
    }
    state_.brake.failed(leased.job);
    ++leased.wasted;
  }
  if (lane != nullptr && error.billed) lane->vain.because(WasteReason::failed);
}

/// The purchase is recorded before the text can be bought again: if this text brings workers down, the next
/// worker knows.
void JobKeeper::give_back_rescued(Lane& lane, std::vector<LeasedJob> jobs, Instant now) {
  if (jobs.empty()) return;
  lane.vain.because(WasteReason::lapsed);
  for (LeasedJob& leased : jobs) leased.wasted = 1;
  reschedule(lane.vectorizer, jobs, Duration{}, now);
}

/// The jobs are still leased. If answer after answer is thrown away, the vectorizer rests, and is probed with
/// a few rows until a vector is stored.
void JobKeeper::give_back_stale(const Settlements::News::Stale& stale, bool others_stored, Instant now) {
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
  rest(*lane, "answer after answer is thrown away: " + lane->vain.reason(), now);
}

void JobKeeper::reschedule(const Vectorizer& vectorizer, const std::vector<LeasedJob>& jobs, Duration delay,
                           Instant now, const Error* charged_for) {
  if (jobs.empty()) return;
  Settlement settlement{.vectorizer = vectorizer.id,
                        .action = Action::reschedule,
                        .delay = delay,
                        .charge_attempt = charged_for != nullptr};
  if (charged_for != nullptr) {
    settlement.reason = charged_for->kind;
    settlement.message = in_full(*charged_for);
  }
  for (const LeasedJob& leased : jobs) settlement.jobs.push_back(settled(leased));
  state_.settlements.send(vectorizer, std::move(settlement), now);
}

void JobKeeper::discard(const Vectorizer& vectorizer, std::span<const LeasedJob> jobs, const Error& error,
                        Instant now) {
  Settlement settlement{.vectorizer = vectorizer.id,
                        .action = Action::discard,
                        .reason = error.kind,
                        .message = in_full(error)};
  for (const LeasedJob& leased : jobs) {
    ++state_.summary.rows_discarded;
    state_.observer.discarded(vectorizer, error.kind, error.message);
    settlement.jobs.push_back(settled(leased));
  }
  state_.settlements.send(vectorizer, std::move(settlement), now);
}

void JobKeeper::settle_at_once(const Vectorizer& vectorizer, Action action, std::vector<SettledJob> jobs,
                               Instant now) {
  state_.settlements.send(vectorizer,
                          {.vectorizer = vectorizer.id,
                           .action = action,
                           .jobs = std::move(jobs),
                           .model_id = vectorizer.model,
                           .model_version = vectorizer.model},
                          now);
}

void JobKeeper::give_back(Lane& lane, Instant now) {
  reschedule(lane.vectorizer, lane.buffer.take_all(), Duration{}, now);
}

void JobKeeper::rest(Lane& lane, const std::string& message, Instant now) {
  if (lane.resting(now)) return;  // one rest for all requests that were in flight
  const Duration length = lane.rest.begin(message, now, state_.random);
  lane.trust.settle_doubt();
  state_.observer.vectorizer_resting(lane.vectorizer, message, length);
  give_back(lane, now);
}

void JobKeeper::rest_if_refused(Lane& lane, const Error& error, Instant now) {
  if (error.kind == ErrorKind::misconfigured || error.kind == ErrorKind::rejected)
    rest(lane, error.message, now);
}

}  // namespace embedd
