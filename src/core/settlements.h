/// Settlements on their way to the queue: each is kept until the queue has said how it ended (G1, G12).
///
/// A lost connection leaves a settlement in doubt; it is sent again as it is, and the lease decides. What
/// becomes of one that failed is said by settlement_verdict() (core/retry_policy.h), and carried out here.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "core/job.h"
#include "core/observer.h"
#include "core/queue.h"
#include "core/random.h"
#include "core/retry_policy.h"

namespace embedd {

class Settlements {
 public:
  Settlements(Queue& queue, Observer& observer, Random& random)
      : queue_(queue), observer_(observer), random_(random) {}

  /// Sends it as soon as the queue is ready, and again until its end is known.
  void send(const Vectorizer& vectorizer, Settlement settlement, Instant now);
  /// Sends what is due.
  void resend(Instant now);

  /// What the receipts of one turn tell the worker.
  struct News {
    std::vector<VectorizerId> progressed;                 ///< jobs left the queue
    std::vector<VectorizerId> stored;                     ///< the database took vectors of these
    std::uint64_t rows_stored = 0;                        ///< so many vectors
    std::vector<std::pair<VectorizerId, Error>> refused;  ///< the database refuses every settlement of these
    /// Leases that were extended.
    struct Extended {
      VectorizerId vectorizer = 0;
      std::vector<SettledJob> jobs;
      Instant lapses_at{};  ///< at the earliest
    };
    std::vector<Extended> extended;
    std::vector<std::pair<VectorizerId, SettledJob>> lost;  ///< leases found gone while extending
    /// Jobs that are still ours, since their texts had changed.
    struct Stale {
      Vectorizer vectorizer;
      std::vector<SettledJob> jobs;
    };
    std::vector<Stale> stale;
  };
  /// Takes the queue's receipts. `draining`: jobs that another transaction is writing are let go.
  News take(Instant now, bool draining);

  /// Leases whose end is not known yet.
  [[nodiscard]] std::size_t jobs() const;
  [[nodiscard]] std::size_t jobs_of(VectorizerId vectorizer) const;
  /// Memory held for them.
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] bool empty() const { return pending_.empty(); }
  /// For how long the database has been at one of this vectorizer's settlements, at most; none: at none.
  [[nodiscard]] std::optional<Duration> longest_wait(VectorizerId vectorizer, Instant now) const;
  /// Leases are being extended.
  [[nodiscard]] bool extending() const;
  /// When resend() has something to do next; Instant::max() if never.
  [[nodiscard]] Instant next_resend() const;
  /// The jobs of settlements older than `age`, for their leases to be extended, by vectorizer.
  [[nodiscard]] std::vector<std::pair<Vectorizer, std::vector<SettledJob>>> older_than(Duration age,
                                                                                       Instant now) const;

 private:
  struct Pending {
    Vectorizer vectorizer;
    std::shared_ptr<Settlement> settlement;  ///< the queue's, too, while it is on its way; then not changed
    Instant since{};
    Instant send_at{};
    Instant sent_at{};
    bool sent = false;
    bool in_doubt = false;
    bool locked = false;  ///< its table was, when last asked: sent one such at a time
    unsigned tries = 0;
  };
  /// How a vectorizer's table takes vectors.
  struct Storing {
    bool before = false;            ///< it took some
    std::size_t refused_alone = 0;  ///< rows since then
  };

  void add(Pending pending);
  void conclude(const Pending& pending, const std::vector<Outcome>& outcomes, Instant now, bool draining,
                News& news);
  void recover(Pending pending, const Error& error, Instant now, News& news);
  void carry_out(SettlementVerdict verdict, Pending pending, const Error& error, Instant now, News& news);
  void split(Pending pending);

  Queue& queue_;
  Observer& observer_;
  Random& random_;
  std::uint64_t next_id_ = 1;
  std::map<std::uint64_t, Pending> pending_;
  std::map<VectorizerId, Storing> storing_;
};

}  // namespace embedd
