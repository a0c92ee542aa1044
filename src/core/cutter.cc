#include "core/cutter.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <memory>
#include <utility>

#include "base/check.h"
#include "core/batch.h"

namespace embedd {

namespace {

/// While this many chunks wait in the queue, no more rows are cut. Their number is known from the last poll
/// only, so this is some seconds of work for the fastest endpoint.
constexpr std::int64_t kChunksAhead = 20'000;
/// How long a row waits before a worker looks whether all of its chunks have vectors.
constexpr Duration kLookAgain = seconds(15);

Error too_long(std::uint64_t bytes, std::size_t most) {
  return {ErrorKind::too_large,
          fmt::format("the row's text has {:.1f} MiB, more than the {} MiB that are cut; raise "
                      "EMBEDD_MAX_TEXT_MIB and run: embedd dead retry",
                      static_cast<double>(bytes) / static_cast<double>(kMiB), most / kMiB)};
}

}  // namespace

bool Cutter::far_enough_ahead(const Lane& lane) const {
  if (!lane.vectorizer.cuts()) return false;
  for (const auto& other : state_.lanes)
    if (other->vectorizer.rows == lane.vectorizer.id) return other->jobs_estimate >= kChunksAhead;
  return false;
}

void Cutter::cut(Lane& lane, std::vector<LeasedJob> jobs, Instant now) {
  Settlement settlement{.vectorizer = lane.vectorizer.id, .action = Action::stage};
  const auto begins = [](const LeasedJob& leased) { return leased.job.cut_from.chunks == 0; };
  std::vector<LeasedJob> whole, begun;
  for (LeasedJob& leased : jobs) (begins(leased) ? whole : begun).push_back(std::move(leased));
  jobs = keeper_.affordable(lane, std::move(whole), now);
  std::ranges::move(begun, std::back_inserter(jobs));
  for (LeasedJob& leased : jobs) {
    Job& job = leased.job;
    if (job.whole_bytes > state_.options.max_text_bytes) {
      keeper_.discard(lane.vectorizer, {&leased, 1}, too_long(job.whole_bytes, state_.options.max_text_bytes),
                      now);
      continue;
    }
    auto cut = state_.chunker.cut(lane.vectorizer, job.text, job.cut_from, job.cut_ends);
    if (!cut) {
      keeper_.discard(lane.vectorizer, {&leased, 1}, cut.error(), now);
      continue;
    }
    CHECK(cut->last || cut->next.characters > job.cut_from.characters, "a window of {} bytes gave no chunk",
          job.text.size());
    if (begins(leased)) state_.brake.bought(job, now);
    SettledJob staged = settled(leased);
    staged.first_chunk = job.cut_from.chunks;
    staged.cut = std::make_shared<const Cut>(std::move(*cut));
    settlement.jobs.push_back(std::move(staged));
  }
  if (!settlement.jobs.empty()) state_.settlements.send(lane.vectorizer, std::move(settlement), now);
}

void Cutter::wait(const Lane& lane, std::vector<SettledJob> jobs, Instant now) {
  if (jobs.empty()) return;
  state_.settlements.send(lane.vectorizer,
                          {.vectorizer = lane.vectorizer.id,
                           .action = Action::reschedule,
                           .jobs = std::move(jobs),
                           .delay = kLookAgain},
                          now);
}

}  // namespace embedd
