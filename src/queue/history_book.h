/// Adds up what embedd.history gets: a row a minute for each vectorizer that changed.
///
///   book.stored(id, freshness); book.bought(id, tokens);
///   book.polled(states, now);
///   if (auto rows = book.next(now)) …send record_history with them…
///
/// The figures are for people. If the statement fails or the worker is killed, a minute of them is missing.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "core/freshness_counts.h"
#include "core/job.h"
#include "core/queue.h"

namespace embedd::queue {

struct HistoryRow {
  VectorizerId vectorizer = 0;
  std::int64_t jobs = 0, dead_letters = 0;  ///< at the last poll
  std::int64_t rows = 0, tokens = 0;        ///< since the row before
  FreshnessCounts fresh;                    ///< of the rows whose text had changed
};

class HistoryBook {
 public:
  /// Vectors of rows were stored.
  void stored(VectorizerId vectorizer, std::int64_t rows) { open_[vectorizer].rows += rows; }
  /// A vector was stored so long after its text had changed.
  void fresh(VectorizerId vectorizer, Duration freshness) { open_[vectorizer].fresh.add(freshness); }
  void bought(VectorizerId vectorizer, std::uint64_t tokens);
  /// Forgets vectorizers that are no longer listed.
  void polled(std::span<const VectorizerState> states);

  /// Once a minute: rows for the vectorizers that changed since the last call. Once an hour also without any,
  /// so that old rows are deleted.
  std::optional<std::vector<HistoryRow>> next(Instant now);
  /// At the end: what next() would say in time.
  std::vector<HistoryRow> rest();

 private:
  struct Open {
    std::int64_t jobs = 0, dead_letters = 0, rows = 0, tokens = 0;
    FreshnessCounts fresh;
    bool listed = false;  ///< in the last poll
    bool changed = true;  ///< jobs or dead letters, since the last row
  };
  std::map<VectorizerId, Open> open_;
  std::optional<Instant> said_at_, sent_at_;
};

}  // namespace embedd::queue
