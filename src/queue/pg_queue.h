/// The queue in PostgreSQL: the core's Queue over two pipelines, so that a long settlement never delays a
/// claim.
///
///   PgQueue queue({.database = url, .worker = id}, clock, [&] { io.wake(); });
///   …the loop waits on `queue` as a Waitable and calls it as a Queue…
///
/// Claims, polls, walks and LISTEN use one connection, settlements the other. A pooled database
/// (PgBouncer) has no LISTEN, unless `listen` names a direct connection. The statements of a vectorizer are
/// made from its declaration, which each poll reads again. Every statement is short, waits for no user's row
/// lock, and may be sent again.
///
/// A settlement is divided into statements of its own, each about half a second long (queue/write_pace.h).
/// Vectorizers take turns, so that the settlement of a slow table delays no other vectorizer. The chunks of
/// one row are one statement: if it takes too long, it is sent again over a third connection.
///
/// Usage is written separately (queue/usage_book.h), because all workers share its row, and a settlement must
/// not keep that row locked. Usage is about a second behind the stored vectors. A worker killed in that
/// second loses its usage, never a vector.
///
/// embedd.history gets a row a minute for each vectorizer that changed (queue/history_book.h).
///
/// embedd.wasted remembers for an hour what was bought in vain. The queue looks rows up there after a claim,
/// and only while it has entries of that vectorizer.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/io.h"
#include "core/job.h"
#include "core/prices.h"
#include "core/queue.h"
#include "core/waitable.h"
#include "pg/pipeline.h"
#include "queue/heads.h"
#include "queue/history_book.h"
#include "queue/statements.h"
#include "queue/usage_book.h"
#include "queue/write_pace.h"

namespace embedd::queue {

struct PgQueueOptions {
  Secret database;  ///< URI or keywords; empty: the usual PG* variables
  Secret listen;    ///< a direct connection for LISTEN, if `database` is pooled; empty: none
  pg::ConninfoNow database_now{},
      listen_now{};     ///< asked before each attempt to connect; see pg::PipelineOptions
  LeaseToken worker{};  ///< random, names this process in embedd.workers
  std::string hostname;
  std::string version;
  int pid = 0;
  Duration walk_every = seconds(3600);
  Duration longest_page = WritePace::kAim;  ///< bounds a page of a walk, by the number of its rows
  Duration make_up_after = seconds(60);     ///< least time from a walk to the next one for missed changes
  Duration command_timeout = seconds(60);
  bool keep_messages = false;  ///< errors and refusals carry the database's own words, as Error::verbatim
  /// Each poll reads every queue from its beginning, however long that takes.
  bool thorough_polls = false;
  /// For each endpoint that is configured here, by name: a word for its address (embedd.learned_limits).
  std::map<std::string, std::string> addresses{};
  Prices prices{};                           ///< usage is booked by these
  Duration slow_reading = milliseconds(10);  ///< of a queue from its beginning (queue/heads.h)
};

class PgQueue final : public Queue, public Waitable {
 public:
  /// `clock` must outlive this object; `wake` is called from helper threads.
  PgQueue(PgQueueOptions options, const Clock& clock, std::function<void()> wake);
  /// Blocks for three seconds at most, and in most cases not at all: writes the remaining usage, and removes
  /// this worker from the list. Logs what cannot be written.
  ~PgQueue() override;

  void send_poll(const Heartbeat& heartbeat) override;
  std::optional<Poll> take_poll() override;
  std::vector<VectorizerId> take_hints() override;
  void send_claim(const ClaimRequest& request) override;
  std::vector<Claim> take_claims() override;
  void send_settlement(std::shared_ptr<const Settlement> settlement) override;
  std::vector<Receipt> take_receipts() override;
  std::vector<Unbooked> take_unbooked() override { return usage_.take_unbooked(); }
  void send_walk(VectorizerId vectorizer, const Key& cursor) override;
  std::vector<WalkPage> take_walked() override;
  void send_reservation(const Reservation& reservation) override;
  std::vector<Reserved> take_reserved() override;
  void send_budget_request(const BudgetRequest& request) override;
  std::vector<BudgetAnswer> take_budget_answers() override;
  void send_limits(const LimitsRecord& record) override;
  [[nodiscard]] bool ready() const override;

  void add_interests(std::vector<Interest>& interests) const override;
  [[nodiscard]] std::optional<Instant> wake_at() const override;

 private:
  using Handler = std::move_only_function<void(const Result<pg::BinaryRows>&)>;
  /// A pipeline, with a handler for each answer.
  struct Session {
    Session(std::string name, pg::PipelineOptions options, const Clock& clock, std::function<void()> wake)
        : name(std::move(name)), pipeline(std::move(options), clock, std::move(wake)) {}
    void send(const pg::Statement& statement, const pg::Params& params, Handler handler);
    /// Runs the handlers of the answers that have come.
    void pump();

    std::string name;
    pg::Pipeline pipeline;
    std::map<pg::CommandId, Handler> handlers;
    bool was_ready = false;
    std::string problem;  ///< last logged, to log each problem once
  };
  struct Known {
    explicit Known(Definition d) : definition(std::move(d)), sql(definition) {}
    const QueueStatements& guarded() const {
      if (!made) made.emplace(definition, true);
      return *made;
    }
    Definition definition;
    QueueStatements sql;
    mutable std::optional<QueueStatements>
        made;  ///< the guarded statements; most vectorizers never need them
  };
  /// A settlement some of whose statements have no answer yet.
  struct OpenSettlement {
    std::vector<Outcome> outcomes;
    std::size_t unanswered = 0;  ///< jobs without an answer
    bool partly = false;         ///< at least one of its statements succeeded
    std::optional<Error> error;  ///< the first error
  };
  /// Jobs of a settlement: those that were not sent yet, or those of one statement. The statement's answer
  /// may come when the worker no longer exists.
  struct Part {
    std::shared_ptr<OpenSettlement> open;
    std::shared_ptr<const Settlement> settlement;
    std::shared_ptr<const Known> known;
    std::size_t first, count;
    bool long_swap = false;  ///< one row, whose swap took too long for the settlements' connection
  };
  /// The pace of settling a vectorizer's jobs.
  struct Writing {
    WritePace pace;
    std::uint64_t last_served = 0;  ///< counts up; the vectorizer that was served longest ago is next
  };
  struct Walk {
    WritePace pace;
    bool routine = false;
    bool begun = false;  ///< none of its pages has been answered yet
  };
  /// Sends the statement that `statement` picks. If it is refused and a single row may be the cause, sends
  /// its guarded form. `texts`: the answer contains texts, one of which may be unreadable.
  using Pick = std::function<const pg::Statement&(const QueueStatements&)>;
  void send(Session& session, const std::shared_ptr<const Known>& known, bool texts, Pick statement,
            std::function<pg::Params()> params, Handler handler);
  [[nodiscard]] std::vector<Problem> with_own_problems(std::vector<Problem> problems) const;
  void on_poll(const std::map<VectorizerId, QueueHead>& read_from, const Result<pg::BinaryRows>& rows);
  void on_claim(const ClaimRequest& request, QueueHead from, const Known& known,
                const Result<pg::BinaryRows>& rows);
  void look_up_waste(Claim claim);
  void send_parts();
  [[nodiscard]] Session& long_swaps();
  void send_long_swaps();
  std::deque<Part>::iterator next_part();
  void give_up_long_swaps();
  std::optional<Part> take_part(const std::deque<Part>::iterator& next, std::size_t most);
  void send_part(Session& session, const Part& part);
  void on_part(const Part& part, Duration took, const Result<pg::BinaryRows>& rows);
  void answer(const Part& part, const Result<pg::BinaryRows>& rows);
  void conclude(const Part& part);
  [[nodiscard]] Walk& walk_of(VectorizerId vectorizer);
  void send_page(const std::shared_ptr<const Known>& known, const Key& cursor);
  void on_walk_begin(const std::shared_ptr<const Known>& known, const Result<pg::BinaryRows>& rows);
  void release_walk(VectorizerId vectorizer, ErrorKind why);
  void on_page(const Known& known, const Key& cursor, std::size_t page_rows,
               const Result<pg::BinaryRows>& rows);
  void write_usage();
  void record_history();
  void pump_settlements();
  [[nodiscard]] std::shared_ptr<const Known> find(VectorizerId vectorizer) const;
  static Error unknown(VectorizerId vectorizer);

  PgQueueOptions options_;
  const Clock& clock_;
  std::function<void()> wake_;
  Session claims_;
  Session settlements_;
  std::optional<Session> long_swaps_;  ///< while there are swaps that take long
  Instant long_swaps_since_{};         ///< when that connection was opened
  std::optional<Session> listener_;
  std::uint64_t listening_since_ = 0;  ///< pg::Pipeline::connections() of the connection that listens

  std::map<VectorizerId, std::shared_ptr<const Known>> known_;
  std::map<VectorizerId, std::string> problems_;  ///< last logged, to log each once
  std::string limits_problem_;                    ///< the same, for limits that were not remembered
  std::string history_problem_;                   ///< the same, for embedd.history
  bool closing_ = false;
  bool polls_guarded_ = false;  ///< a poll was refused
  std::optional<Poll> polled_;
  bool plans_used_ = false;  ///< settlements were planned since plans were last discarded
  std::vector<Claim> claimed_;
  QueueHeads heads_;
  std::deque<Part> parts_;  ///< not sent yet
  std::map<VectorizerId, Writing> writing_;
  std::uint64_t next_served_ = 1;
  Instant settled_at_{};  ///< when the last answer of a settling statement came
  std::vector<Receipt> receipts_;
  std::vector<WalkPage> walked_;
  std::vector<Reserved> reserved_;
  std::vector<BudgetAnswer> budget_answers_;
  std::map<VectorizerId, Walk> walks_;
  UsageBook usage_;
  HistoryBook history_;
};

}  // namespace embedd::queue
