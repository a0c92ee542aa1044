/// Where each vectorizer's queue begins, as far as this worker knows. A claim reads the queue's index from
/// there on.
///
/// A finished job leaves index entries behind, at the times of its creation and of its lease's end. Nobody
/// can remove them while an old snapshot exists, and a read from the beginning passes over all of them. So if
/// such a read has become slow, a claim continues where the last claim ended. Jobs may still appear before
/// that place: a transaction took long to commit, a claim was rolled back, or a clock was set back. The next
/// poll that reads from the beginning finds these jobs. Each poll reads from the beginning as long as that
/// takes at most a tenth of the time.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <map>

#include "base/units.h"
#include "core/job.h"

namespace embedd::queue {

/// PostgreSQL's timestamptz in its binary format.
using Moment = std::int64_t;
inline constexpr Moment kEver = std::numeric_limits<Moment>::min();  ///< -infinity

/// No job was found before these times: of live jobs, and of a backfill's jobs, which the index keeps apart.
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
  /// Where the next poll begins to read these queues; it reads all others from the beginning.
  [[nodiscard]] std::map<VectorizerId, QueueHead> for_poll(Instant now) const;

  /// A claim or a poll that read from `from` has seen all jobs due before `reached`.
  void read(VectorizerId vectorizer, QueueHead from, QueueHead reached);
  /// A poll read from the beginning, which took `took`; `head` is the first job that it found.
  void read_all(VectorizerId vectorizer, QueueHead head, Duration took);
  /// The poll has ended: queues that are not `listed` are forgotten.
  void polled(Instant now, const std::function<bool(VectorizerId)>& listed);

 private:
  struct Known {
    QueueHead head;
    bool slow = false;
  };
  const Duration slow_;
  std::map<VectorizerId, Known> known_;
  Duration reading_{};        ///< time of the current poll
  Instant read_all_again_{};  ///< no earlier, for slow queues
};

}  // namespace embedd::queue
