/// Adds up what was bought, until the database has booked it.
///
///   book.add({id, model}, {.requests = 1, .tokens = 12});
///   if (auto entries = book.next(now)) …send usage_statement() with them, and when it is answered…
///   book.booked(std::move(*entries), error, now);
///
/// Everything travels in one statement, once a second. If the database refuses it, each entry goes by itself
/// until it is booked, after growing pauses of its own, so that no vectorizer's figures wait for another's.
/// Amounts stay within bigint. At most kMostEntries wait; more are given up, and said to be.
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
  /// What is to be booked now, in one statement. Only one is on its way at a time.
  std::optional<Entries> next(Instant now);
  /// What became of it. An entry that is in doubt counts as booked: a ceiling on spending must not trip over
  /// what was bought once.
  void booked(Entries entries, const std::optional<Error>& error, Instant now);

  /// The last chance: everything is tried at once, also what is pausing, and what comes is not gathered for a
  /// second. What fails keeps its pauses all the same.
  void hurry(Instant now);

  /// When next() has something; none: never, or not before booked().
  [[nodiscard]] std::optional<Instant> next_at() const;
  /// Something is on its way, or will be by then.
  [[nodiscard]] bool due_before(Instant at) const;
  /// Entries that were refused or given up, since the last call.
  std::vector<Unbooked> take_unbooked() { return std::exchange(unbooked_, {}); }
  /// Gives up what is left, which take_unbooked() then says.
  void give_up();

 private:
  static constexpr std::size_t kMostEntries = 1024;
  /// One whose statement was refused.
  struct Trouble {
    unsigned failures = 0;
    Instant next_at{};
    Error error{};
  };
  void report(const Key& key, const Bought& bought, const Error& error, bool lost);

  Entries entries_;
  std::map<Key, Trouble> troubles_;  ///< these are booked one by one
  Instant next_at_{};                ///< of the others
  unsigned failures_ = 0;            ///< of their statement, in a row
  bool waiting_ = false;
  bool hurried_ = false;
  std::vector<Unbooked> unbooked_;
  Random random_;
};

}  // namespace embedd::queue
