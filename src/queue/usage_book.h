/// Adds up purchases until the database has booked them.
///
///   book.add({id, model}, {.requests = 1, .tokens = 12});
///   if (auto entries = book.next(now)) …send usage_statement() with them, and when it is answered…
///   book.booked(std::move(*entries), error, now);
///
/// All entries are sent in one statement, once a second. If the database refuses the statement, each entry is
/// sent alone until it is booked, after growing pauses of its own, so that no vectorizer's figures wait for
/// another's. Amounts stay within bigint. At most kMostEntries wait; further ones are given up and reported.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/job.h"
#include "core/queue.h"
#include "core/random.h"

namespace embedd::queue {

struct Bought {
  std::uint64_t requests = 0, rows = 0, tokens = 0;
  Bought& operator+=(const Bought& more);
};

class UsageBook {
 public:
  explicit UsageBook(std::uint64_t seed = 1) : random_(seed) {}

  using Key = std::pair<VectorizerId, std::string>;  ///< the vectorizer, its model
  using Entries = std::map<Key, Bought>;

  void add(const Key& key, const Bought& bought);
  /// The entries to book now, in one statement. One statement is on its way at a time.
  std::optional<Entries> next(Instant now);
  /// Call with the outcome. Entries in doubt count as booked: a spending limit must not count a purchase
  /// twice.
  void booked(Entries entries, const std::optional<Error>& error, Instant now);

  /// Call before the end: tries everything at once, paused entries included, and no longer collects entries
  /// for a second. Failed entries still pause.
  void hurry(Instant now);

  /// When next() has entries; none: never, or not before booked().
  [[nodiscard]] std::optional<Instant> next_at() const;
  /// True if a statement is on its way, or will be by `at`.
  [[nodiscard]] bool due_before(Instant at) const;
  /// Entries that were refused or given up since the last call.
  std::vector<Unbooked> take_unbooked() { return std::exchange(unbooked_, {}); }
  /// Gives up the remaining entries; take_unbooked() then returns them.
  void give_up();

 private:
  static constexpr std::size_t kMostEntries = 1024;
  /// An entry whose statement was refused.
  struct Refused {
    unsigned failures = 0;
    Instant next_at{};
    Error error{};
  };
  void report(const Key& key, const Bought& bought, const Error& error, bool lost);

  Entries entries_;
  std::map<Key, Refused> refused_;  ///< entries that are booked one by one
  Instant next_at_{};               ///< of all other entries
  unsigned failures_ = 0;           ///< failures in a row of their statement
  bool waiting_ = false;
  bool hurried_ = false;
  std::vector<Unbooked> unbooked_;
  Random random_;
};

}  // namespace embedd::queue
