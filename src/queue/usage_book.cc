#include "queue/usage_book.h"

#include <algorithm>
#include <limits>
#include <ranges>

#include "core/retry_policy.h"

namespace embedd::queue {

namespace {

constexpr Duration kEvery = seconds(1);
/// Failures in a row, such as a locked table, after which an entry is reported.
constexpr unsigned kWorthSaying = 4;

/// True if the next try may succeed unchanged, because no entry is at fault.
bool passes(ErrorKind kind) {
  return kind == ErrorKind::unavailable || kind == ErrorKind::conflict || kind == ErrorKind::canceled;
}

std::uint64_t sum(std::uint64_t a, std::uint64_t b) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  return std::min(a, kMost) + std::min(b, kMost - std::min(a, kMost));
}

}  // namespace

Bought& Bought::operator+=(const Bought& more) {
  requests = sum(requests, more.requests);
  rows = sum(rows, more.rows);
  tokens = sum(tokens, more.tokens);
  return *this;
}

void UsageBook::add(const Key& key, const Bought& bought) {
  if (!entries_.contains(key) && entries_.size() >= kMostEntries)
    return report(key, bought, {ErrorKind::unavailable, "too many entries wait to be booked"}, true);
  entries_[key] += bought;
}

std::optional<UsageBook::Entries> UsageBook::next(Instant now) {
  if (waiting_) return std::nullopt;
  Entries due;
  if (now >= next_at_)
    for (const auto& [key, bought] : entries_)
      if (!refused_.contains(key)) due.emplace(key, bought);
  if (due.empty()) {
    const auto alone = std::ranges::find_if(entries_, [&](const auto& entry) {
      const auto refused = refused_.find(entry.first);
      return refused != refused_.end() && now >= refused->second.next_at;
    });
    if (alone == entries_.end()) return std::nullopt;
    due.insert(*alone);
  }
  for (const auto& [key, bought] : due) entries_.erase(key);
  waiting_ = true;
  return due;
}

void UsageBook::booked(Entries entries, const std::optional<Error>& error, Instant now) {
  waiting_ = false;
  const bool alone = entries.size() == 1, was_refused = refused_.contains(entries.begin()->first);
  if (!error || error->kind == ErrorKind::in_doubt) {
    if (was_refused) {
      refused_.erase(entries.begin()->first);
    } else {
      failures_ = 0;
      next_at_ = hurried_ ? now : now + kEvery;
    }
    return;
  }
  const bool refused = was_refused || !passes(error->kind);
  if (!refused) next_at_ = now + backoff(kEvery, seconds(30), ++failures_, random_);
  for (const auto& [key, bought] : entries) {
    add(key, bought);
    if (refused ? alone : failures_ >= kWorthSaying) report(key, bought, *error, false);
    if (!refused || !entries_.contains(key)) continue;
    Refused& entry = refused_[key];
    entry.error = *error;
    // Most of several refused entries are good, so each is tried alone at once.
    entry.next_at = alone ? now + backoff(kEvery, std::chrono::minutes(5), ++entry.failures, random_) : now;
  }
}

void UsageBook::hurry(Instant now) {
  hurried_ = true;
  next_at_ = std::min(next_at_, now);
  for (auto& [key, entry] : refused_) entry.next_at = std::min(entry.next_at, now);
}

std::optional<Instant> UsageBook::next_at() const {
  std::optional<Instant> first;
  for (const auto& [key, bought] : entries_) {
    const auto refused = refused_.find(key);
    const Instant at = refused == refused_.end() ? next_at_ : refused->second.next_at;
    if (!first || at < *first) first = at;
  }
  return waiting_ ? std::nullopt : first;
}

bool UsageBook::due_before(Instant at) const {
  const std::optional<Instant> next = next_at();
  return waiting_ || (next && *next <= at);
}

void UsageBook::give_up() {
  for (const auto& [key, bought] : std::exchange(entries_, {})) {
    const auto refused = refused_.find(key);
    report(key, bought,
           refused == refused_.end() ? Error{ErrorKind::unavailable, "the database did not answer in time"}
                                     : refused->second.error,
           true);
  }
}

void UsageBook::report(const Key& key, const Bought& bought, const Error& error, bool lost) {
  if (unbooked_.size() >= kMostEntries) return;
  unbooked_.push_back({.vectorizer = key.first,
                       .model = key.second,
                       .requests = bought.requests,
                       .rows = bought.rows,
                       .tokens = bought.tokens,
                       .error = error,
                       .lost = lost});
}

}  // namespace embedd::queue
