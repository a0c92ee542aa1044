/// Where each vectorizer's queue begins, as far as this worker knows: from there on a claim reads the queue's
/// index.
///
/// A job that is done leaves index entries behind, at the times when it was made and when its lease would
/// have lapsed. As long as somebody holds an old snapshot, nobody may clear them away, and who reads from the
/// beginning passes over all of them. So where that has become slow, a claim goes on where the last one
/// ended. What comes before that all the same (a transaction that took long to commit, a claim that was
/// rolled back, a clock that was set back) is found by the next poll that reads from the beginning: by each
/// one, as long as that takes no more than a tenth of the time.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>

#include "base/units.h"
#include "core/job.h"

namespace embedd::queue {

/// PostgreSQL's timestamptz, as its binary form has it.
using Moment = std::int64_t;
inline constexpr Moment kEver = std::numeric_limits<Moment>::min();  ///< -infinity

/// No job was found before these: of live ones, and of those of a backfill, which the index keeps apart.
struct QueueHead {
  Moment live = kEver, backfill = kEver;
  bool operator==(const QueueHead&) const = default;
};

class QueueHeads {
 public:
  /// Reading a queue from its beginning is slow if it takes longer than `slow`.
  explicit QueueHeads(Duration slow) : slow_(slow) {}

  /// Where the next claim begins to read.
  [[nodiscard]] QueueHead of(VectorizerId vectorizer) const;
  /// Where the next poll does; all others from the beginning.
  [[nodiscard]] std::map<VectorizerId, QueueHead> for_poll(Instant now) const;

  /// A claim, or a poll, that read from `from` on has seen to all that is due before `reached`.
  void read(VectorizerId vectorizer, QueueHead from, QueueHead reached);
  /// A poll read from the beginning, which took `took`, and `head` is the first that it found.
  void read_all(VectorizerId vectorizer, QueueHead head, Duration took);
  /// That poll is over: what is not `listed` is forgotten.
  void polled(Instant now, const std::function<bool(VectorizerId)>& listed);

 private:
  struct Known {
    QueueHead head;
    bool slow = false;
  };
  const Duration slow_;
  std::map<VectorizerId, Known> known_;
  Duration reading_{};        ///< of this poll
  Instant read_all_again_{};  ///< not before this, where it is slow
};

}  // namespace embedd::queue
