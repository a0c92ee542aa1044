#include "core/settlements.h"

#include <algorithm>
#include <array>

namespace embedd {

namespace {

/// How long a vector waits for another transaction that is writing its job, before the vector is dropped.
constexpr Duration kLongestBusy = minutes(10);

/// The part of `settlement` for the jobs at `indexes`, with the vectors that they need.
Settlement subset(const Settlement& settlement, const std::vector<std::size_t>& indexes) {
  Settlement part = settlement;
  part.jobs.clear();
  part.vectors.values.clear();
  std::map<std::int32_t, std::int32_t> moved;  // old slot → new slot
  const std::size_t dimensions = settlement.vectors.dimensions;
  for (const std::size_t index : indexes) {
    SettledJob job = settlement.jobs[index];
    if (job.slot >= 0) {
      const auto [found, fresh] = moved.try_emplace(job.slot, static_cast<std::int32_t>(moved.size()));
      if (fresh) {
        const auto from =
            settlement.vectors.values.begin() + static_cast<std::ptrdiff_t>(job.slot * dimensions);
        part.vectors.values.insert(part.vectors.values.end(), from,
                                   from + static_cast<std::ptrdiff_t>(dimensions));
      }
      job.slot = found->second;
    }
    part.jobs.push_back(std::move(job));
  }
  return part;
}

Error too_many_chunks(const Error& error) {
  return {ErrorKind::too_large,
          "the row's chunks take longer to store than the longest statement. If the store has a vector "
          "index, drop it (embedd vectorizer defer-index), then run: embedd dead retry; or cut into longer "
          "chunks. " +
              error.message};
}

std::size_t bytes_of(const Settlement& settlement) {
  std::size_t bytes = settlement.vectors.values.size() * sizeof(float);
  for (const SettledJob& job : settlement.jobs) {
    bytes += sizeof(job) + job.key.size();
    if (job.cut)
      for (const Chunk& chunk : job.cut->chunks) bytes += chunk.text.size() + chunk.sent.size();
  }
  return bytes;
}

}  // namespace

void Settlements::send(const Vectorizer& vectorizer, Settlement settlement, Instant now) {
  add({.vectorizer = vectorizer,
       .settlement = std::make_shared<Settlement>(std::move(settlement)),
       .since = now,
       .send_at = now});
  resend(now);
}

void Settlements::add(Pending pending) {
  const std::uint64_t id = pending.settlement->id = next_id_++;
  pending.sent = false;
  pending_.emplace(id, std::move(pending));
}

void Settlements::resend(Instant now) {
  // Each try at a locked table takes the lock timeout, and all vectorizers share the connection.
  bool waiting_for_a_lock = std::ranges::any_of(
      pending_, [](const auto& entry) { return entry.second.sent && entry.second.locked; });
  for (auto& [id, pending] : pending_) {
    if (pending.sent || pending.send_at > now || (pending.locked && waiting_for_a_lock)) continue;
    if (!queue_.ready()) return;
    waiting_for_a_lock = waiting_for_a_lock || pending.locked;
    pending.sent = true;
    pending.sent_at = now;
    queue_.send_settlement(pending.settlement);
  }
}

Settlements::News Settlements::take(Instant now, bool draining) {
  News news;
  for (Receipt& receipt : queue_.take_receipts()) {
    const auto found = pending_.find(receipt.id);
    if (found == pending_.end()) continue;  // no settlement waits for this receipt
    Pending pending = std::move(found->second);
    pending_.erase(found);
    if (receipt.outcomes) {
      conclude(pending, *receipt.outcomes, now, draining, news);
      continue;
    }
    pending.in_doubt = pending.in_doubt || receipt.partly;
    recover(std::move(pending), receipt.outcomes.error(), now, news);
  }
  return news;
}

void Settlements::conclude(const Pending& pending, const std::vector<Outcome>& outcomes, Instant now,
                           bool draining, News& news) {
  const Settlement& settlement = *pending.settlement;
  std::array<std::size_t, 5> count{};
  std::vector<std::size_t> busy;
  News::Extended extended{.vectorizer = settlement.vectorizer,
                          .lapses_at = pending.sent_at + settlement.delay};
  News::Stale stale{.vectorizer = pending.vectorizer};
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    // A settlement in doubt that finds its lease gone was most likely carried out.
    const bool carried_out = outcomes[i] == Outcome::gone && pending.in_doubt;
    const Outcome outcome = !carried_out                        ? outcomes[i]
                            : settlement.action == Action::keep ? Outcome::kept
                                                                : Outcome::done;
    ++count[static_cast<std::size_t>(outcome)];
    if (outcome == Outcome::busy) busy.push_back(i);
    const bool stored = outcome == Outcome::done && settlement.action == Action::complete;
    news.rows_stored += stored && pending.vectorizer.rows == 0 ? 1 : 0;  // chunks are no rows
    if (stored && settlement.jobs[i].changed_at)
      observer_.fresh(pending.vectorizer, now - *settlement.jobs[i].changed_at);
    if (outcome == Outcome::stale) {
      stale.jobs.push_back(settlement.jobs[i]);
      if (settlement.action == Action::complete && settlement.jobs[i].slot >= 0) ++stale.jobs.back().wasted;
    }
    if (settlement.action != Action::extend) continue;
    if (outcome == Outcome::gone) news.lost.emplace_back(settlement.vectorizer, settlement.jobs[i]);
    if (outcome == Outcome::done) extended.jobs.push_back(settlement.jobs[i]);
  }
  if (!extended.jobs.empty()) news.extended.push_back(std::move(extended));
  if (!stale.jobs.empty()) news.stale.push_back(std::move(stale));
  for (std::size_t i = 0; i < count.size(); ++i)
    if (count[i] > 0) observer_.settled(pending.vectorizer, settlement, static_cast<Outcome>(i), count[i]);
  if (settlement.action != Action::extend && busy.size() < outcomes.size())
    news.progressed.push_back(settlement.vectorizer);

  if (settlement.action == Action::complete && count[static_cast<std::size_t>(Outcome::done)] > 0) {
    storing_[settlement.vectorizer] = {.before = true};
    news.stored.push_back(settlement.vectorizer);
  }

  const bool worth_waiting = !draining && now - pending.since < kLongestBusy;
  if (busy.empty() || settlement.action == Action::extend || !worth_waiting) return;
  Pending rest{.vectorizer = pending.vectorizer,
               .settlement = std::make_shared<Settlement>(subset(settlement, busy)),
               .since = pending.since};
  rest.settlement->requests = rest.settlement->tokens = 0;  // booked with the others
  rest.tries = pending.tries + 1;
  rest.send_at = now + backoff(milliseconds(200), seconds(5), rest.tries, random_);
  add(std::move(rest));
}

void Settlements::recover(Pending pending, const Error& error, Instant now, News& news) {
  Settlement& settlement = *pending.settlement;
  observer_.database_error("settle", error);
  const Storing& storing = storing_[settlement.vectorizer];
  const SettlementFailure failure{.kind = error.kind,
                                  .action = settlement.action,
                                  .clear_vector = settlement.clear_vector,
                                  .jobs = settlement.jobs.size(),
                                  .tries = ++pending.tries,
                                  .stored_before = storing.before,
                                  .refused_alone = storing.refused_alone,
                                  .swaps = pending.vectorizer.cuts()};
  const SettlementVerdict decided = settlement_verdict(failure);
  pending.locked = error.kind == ErrorKind::conflict;
  pending.in_doubt = pending.in_doubt || error.kind == ErrorKind::in_doubt;
  settlement.requests = settlement.tokens = 0;  // booked as it was sent
  if (failure.swaps && error.kind == ErrorKind::canceled && decided == SettlementVerdict::discard)
    return carry_out(decided, std::move(pending), too_many_chunks(error), now, news);
  carry_out(decided, std::move(pending), error, now, news);
}

void Settlements::carry_out(SettlementVerdict verdict, Pending pending, const Error& error, Instant now,
                            News& news) {
  Settlement& settlement = *pending.settlement;
  switch (verdict) {
    case SettlementVerdict::resend:
      pending.send_at = now + backoff(milliseconds(100), seconds(5), pending.tries, random_);
      return add(std::move(pending));
    case SettlementVerdict::split: return split(std::move(pending));
    case SettlementVerdict::keep: settlement.action = Action::keep; return add(std::move(pending));
    case SettlementVerdict::discard:
      if (settlement.action != Action::discard) {
        if (has_vectors(settlement.action)) ++storing_[settlement.vectorizer].refused_alone;
        settlement.action = Action::discard;
        settlement.reason = error.kind;
        settlement.message = in_full(error);
        settlement.vectors = {};
        observer_.discarded(pending.vectorizer, error.kind, error.message);
      }
      settlement.clear_vector = false;
      return add(std::move(pending));
    case SettlementVerdict::rest:
      news.refused.emplace_back(settlement.vectorizer, error);
      // If the queue refuses even other actions, the leases lapse.
      if (settlement.action != Action::complete) return;
      if (settlement.jobs.size() == 1 && error.kind != ErrorKind::misconfigured)
        ++storing_[settlement.vectorizer].refused_alone;
      settlement.action = Action::keep;
      return add(std::move(pending));
    case SettlementVerdict::let_go: return;
  }
}

void Settlements::split(Pending pending) {
  const std::size_t size = pending.settlement->jobs.size();
  std::vector<std::size_t> left, right;
  for (std::size_t i = 0; i < size; ++i) (i < size / 2 ? left : right).push_back(i);
  Pending second = pending;
  second.settlement = std::make_shared<Settlement>(subset(*pending.settlement, right));
  pending.settlement = std::make_shared<Settlement>(subset(*pending.settlement, left));
  add(std::move(pending));
  add(std::move(second));
}

std::size_t Settlements::jobs() const {
  std::size_t jobs = 0;
  for (const auto& [id, pending] : pending_)
    if (pending.settlement->action != Action::extend) jobs += pending.settlement->jobs.size();
  return jobs;
}

std::size_t Settlements::jobs_of(VectorizerId vectorizer) const {
  std::size_t jobs = 0;
  for (const auto& [id, pending] : pending_)
    if (pending.settlement->action != Action::extend && pending.settlement->vectorizer == vectorizer)
      jobs += pending.settlement->jobs.size();
  return jobs;
}

std::optional<Duration> Settlements::longest_wait(VectorizerId vectorizer, Instant now) const {
  std::optional<Duration> longest;
  for (const auto& [id, pending] : pending_) {
    if (!pending.sent || pending.settlement->vectorizer != vectorizer) continue;
    if (pending.settlement->action == Action::extend) continue;
    longest = std::max(longest, std::optional(now - pending.sent_at));
  }
  return longest;
}

bool Settlements::extending() const {
  return std::ranges::any_of(
      pending_, [](const auto& entry) { return entry.second.settlement->action == Action::extend; });
}

std::size_t Settlements::bytes() const {
  std::size_t bytes = 0;
  for (const auto& [id, pending] : pending_) bytes += bytes_of(*pending.settlement);
  return bytes;
}

Instant Settlements::next_resend() const {
  Instant next = Instant::max();
  for (const auto& [id, pending] : pending_)
    if (!pending.sent) next = std::min(next, pending.send_at);
  return next;
}

std::vector<std::pair<Vectorizer, std::vector<SettledJob>>> Settlements::older_than(Duration age,
                                                                                    Instant now) const {
  std::vector<std::pair<Vectorizer, std::vector<SettledJob>>> old;
  for (const auto& [id, pending] : pending_)
    if (pending.settlement->action != Action::extend && now - pending.since >= age)
      old.emplace_back(pending.vectorizer, pending.settlement->jobs);
  return old;
}

}  // namespace embedd
