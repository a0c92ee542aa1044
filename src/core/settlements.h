/// Settlements on their way to the queue: each is kept until its outcome is known (G1, G12).
///
/// A lost connection leaves a settlement in doubt. The same settlement is sent again, and the lease decides.
/// For a failed settlement settlement_verdict() (core/retry_policy.h) says what to do, and Settlements does
/// it.
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

  /// Sends the settlement as soon as the queue is ready, and again until its outcome is known.
  void send(const Vectorizer& vectorizer, Settlement settlement, Instant now);
  /// Sends settlements that are due.
  void resend(Instant now);

  /// What the receipts of one turn tell the worker.
  struct News {
    std::vector<VectorizerId> progressed;                 ///< jobs left the queue
    std::vector<VectorizerId> stored;                     ///< vectorizers whose vectors the database stored
    std::uint64_t rows_stored = 0;                        ///< vectors that were stored
    std::vector<std::pair<VectorizerId, Error>> refused;  ///< vectorizers whose rows the database refuses
    /// Leases that were extended.
    struct Extended {
      VectorizerId vectorizer = 0;
      std::vector<SettledJob> jobs;
      Instant lapses_at{};  ///< at the earliest
    };
    std::vector<Extended> extended;
    std::vector<std::pair<VectorizerId, SettledJob>> lost;  ///< leases that an extension found gone
    /// Jobs whose lease stands, but whose texts have changed.
    struct Stale {
      Vectorizer vectorizer;
      std::vector<SettledJob> jobs;
    };
    std::vector<Stale> stale;
  };
  /// Takes the queue's receipts. `draining`: does not wait for jobs that another transaction is writing.
  News take(Instant now, bool draining);

  /// Jobs whose settlement has no known outcome.
  [[nodiscard]] std::size_t jobs() const;
  [[nodiscard]] std::size_t jobs_of(VectorizerId vectorizer) const;
  /// Memory of the settlements.
  [[nodiscard]] std::size_t bytes() const;
  [[nodiscard]] bool empty() const { return pending_.empty(); }
  /// How long the database has been working on this vectorizer's oldest settlement; none: on no settlement.
  [[nodiscard]] std::optional<Duration> longest_wait(VectorizerId vectorizer, Instant now) const;
  /// True while leases are being extended.
  [[nodiscard]] bool extending() const;
  /// When resend() has something to do next; Instant::max() if never.
  [[nodiscard]] Instant next_resend() const;
  /// By vectorizer, the jobs of settlements older than `age`, whose leases are to be extended.
  [[nodiscard]] std::vector<std::pair<Vectorizer, std::vector<SettledJob>>> older_than(Duration age,
                                                                                       Instant now) const;

 private:
  struct Pending {
    Vectorizer vectorizer;
    std::shared_ptr<Settlement> settlement;  ///< while on its way, the queue shares it; not changed then
    Instant since{};
    Instant send_at{};
    Instant sent_at{};
    bool sent = false;
    bool in_doubt = false;
    bool locked = false;  ///< its table was locked at the last try: one such settlement is sent at a time
    unsigned tries = 0;
  };
  /// Whether a vectorizer's table takes vectors.
  struct Storing {
    bool before = false;            ///< the table took a vector
    std::size_t refused_alone = 0;  ///< rows refused alone since the last stored vector
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
