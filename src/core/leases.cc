#include "core/leases.h"

#include <set>
#include <string_view>
#include <utility>

namespace embedd {

void Leases::extend(Instant now) {
  if (now < next_ || !state_.queue.ready() || state_.settlements.extending()) return;
  const Duration lease = state_.options.lease, third = lease / 3;
  next_ = now + third / 2;
  const auto send = [&](const Vectorizer& vectorizer, std::vector<SettledJob> jobs) {
    if (jobs.empty()) return;
    state_.settlements.send(
        vectorizer,
        {.vectorizer = vectorizer.id, .action = Action::extend, .jobs = std::move(jobs), .delay = lease},
        now);
  };
  const auto collect = [&](const auto& leased_jobs) {
    std::vector<SettledJob> jobs;
    for (const LeasedJob& leased : leased_jobs) {
      if (leased.lapses_at - now > lease - third || leased.lapses_at <= now) continue;
      jobs.push_back(settled(leased));
    }
    return jobs;
  };
  for (const auto& [id, batch] : state_.in_flight.batches()) send(batch.vectorizer, collect(batch.jobs));
  for (const auto& lane : state_.lanes) {
    send(lane->vectorizer, collect(lane->buffer.fresh()));
    send(lane->vectorizer, collect(lane->buffer.suspects()));
  }
  for (auto& [vectorizer, jobs] : state_.settlements.older_than(third, now))
    send(vectorizer, std::move(jobs));
}

void Leases::extended(const Settlements::News::Extended& extended) {
  std::set<std::pair<std::string_view, LeaseToken>> leases;
  for (const SettledJob& job : extended.jobs) leases.emplace(job.key, job.lease);
  const auto renew = [&](auto& leased_jobs) {
    for (LeasedJob& leased : leased_jobs)
      if (leases.contains({leased.job.key, leased.job.lease})) leased.lapses_at = extended.lapses_at;
  };
  state_.in_flight.renew(extended.vectorizer, renew);
  if (Lane* lane = state_.lanes.find(extended.vectorizer)) {
    renew(lane->buffer.fresh());
    renew(lane->buffer.suspects());
  }
}

void Leases::lost(VectorizerId vectorizer, const SettledJob& job) {
  if (Lane* lane = state_.lanes.find(vectorizer))
    lane->buffer.erase_if(
        [&](const LeasedJob& leased) { return leased.job.key == job.key && leased.job.lease == job.lease; });
}

}  // namespace embedd
