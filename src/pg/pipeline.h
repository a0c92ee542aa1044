/// One nonblocking connection for the worker's loop: statements go out in pipeline mode, answers come back in
/// order, and a lost connection is made again, for ever.
///
///   Pipeline pipeline(options, clock, [&] { io.wake(); });
///   const CommandId id = pipeline.send(statement, std::move(params));
///   …wait on add_interests() and wake_at()…
///   for (Answer& answer : pipeline.take()) use(answer.id, answer.rows);
///
/// Nothing here blocks: connecting, which may wait for DNS, runs on a helper thread that hands the connection
/// over. Each command is a transaction of its own (it ends with its own Sync); through a pooler one is on its
/// way at a time, and the others wait here. Every command gets exactly one
/// answer. Errors: by SQLSTATE (pg/sqlstate.h); unavailable if it was never sent; in_doubt if the connection
/// broke, or the server went silent for `command_timeout`, before the server confirmed the commit. A session
/// that turns out to be read-only is given up as well: after a failover, only a new connection finds the
/// primary.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "core/io.h"
#include "core/waitable.h"
#include "pg/rows.h"

struct pg_conn;
struct pg_result;

namespace embedd::pg {

/// A statement's text, and its identity for the connection's cache of prepared statements.
class Statement {
 public:
  explicit Statement(std::string sql);
  [[nodiscard]] const std::string& sql() const { return sql_; }
  [[nodiscard]] std::uint64_t id() const { return id_; }

 private:
  std::string sql_;
  std::uint64_t id_;
};

using CommandId = std::uint64_t;

struct Answer {
  CommandId id = 0;
  Result<BinaryRows> rows;
};

/// How the server plans. `custom`: for the parameters at hand, at each execution. `generic`: once, without
/// looking at them, which spares a plan's copies of parameters that are megabytes long; only for statements
/// whose right plan does not depend on them, and with a DISCARD PLANS now and then, because a plan made for a
/// small table stays.
enum class Planning { custom, generic };

/// What a connection string has become since; none: what it was. Called from helper threads, which may
/// outlive whoever made it.
using ConninfoNow = std::function<std::optional<Secret>()>;

struct PipelineOptions {
  Secret conninfo;             ///< URI or keywords; empty: the usual PG* variables
  ConninfoNow conninfo_now{};  ///< asked before each attempt, so that a password can be rotated; may be null
  std::string application_name = "embedd";
  std::string channel;  ///< LISTEN on it, if the connection is direct; empty: none
  Duration command_timeout =
      seconds(60);  ///< silence, while an answer is due, after which the connection is dropped
  Duration statement_timeout = seconds(60);  ///< the server's; never more than five sixths of the above
  Duration lock_timeout = milliseconds(200);
  Planning planning = Planning::custom;
  std::string search_path;      ///< empty: pg_catalog, and then the role's
  bool sees_every_row = false;  ///< fail where row-level security would hide rows, rather than not see them
  bool settles = false;         ///< what it writes is true to its text: the triggers need not look at it
  bool keep_messages = false;   ///< errors carry the server's own words, too, as Error::verbatim
};

class Pipeline final : public Waitable {
 public:
  /// `clock` must outlive it. `wake` is called from a helper thread, never after the destructor has returned.
  Pipeline(PipelineOptions options, const Clock& clock, std::function<void()> wake);
  ~Pipeline() override;
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// Sends `statement`. Without a connection its answer is `unavailable`, at once.
  CommandId send(const Statement& statement, const Params& params = {});
  /// Does what can be done without waiting, and hands over the answers that have come, in order.
  std::vector<Answer> take();
  /// Payloads of the notifications that have come.
  std::vector<std::string> take_notifications();

  /// A connection exists.
  [[nodiscard]] bool ready() const { return conn_ != nullptr; }
  /// The connection goes through a pooler in transaction mode: no session state. Known once ready.
  [[nodiscard]] bool pooled() const { return pooled_; }
  /// Counts connections made: who keeps session state elsewhere sees a new one here.
  [[nodiscard]] std::uint64_t connections() const { return connections_; }
  /// The database's encoding, as of the last connection: "UTF8" before there is one.
  [[nodiscard]] const std::string& encoding() const { return encoding_; }
  /// Why there is no connection.
  [[nodiscard]] const Error& last_error() const { return last_error_; }

  void add_interests(std::vector<Interest>& interests) const override;
  [[nodiscard]] std::optional<Instant> wake_at() const override;

 private:
  struct Finish {
    void operator()(pg_conn* conn) const;
  };
  using Conn = std::unique_ptr<pg_conn, Finish>;
  struct Attempt;  ///< one try to connect, shared with its helper thread
  struct Command {
    CommandId id = 0;
    std::uint64_t statement = 0;
    bool begun = false;                         ///< its transaction's settings are confirmed
    bool preparing = false;                     ///< it carries its statement's Prepare, not yet confirmed
    std::optional<Result<BinaryRows>> outcome;  ///< what came before its Sync
  };
  struct Waiting {
    CommandId id = 0;
    Statement statement;
    Params params;
  };
  struct Prepared {
    std::string name;
    bool confirmed = false;
  };

  void pump();
  void start_connecting();
  void finish_connecting();
  void read();
  bool take_result(pg_result* result);
  void conclude();
  void lose(Error error);
  [[nodiscard]] std::string why_lost() const;
  void flush();
  void transmit(CommandId id, const Statement& statement, const Params& params);
  bool dispatch(const Statement& statement, const Params& params, bool& preparing);
  static void connect(const std::shared_ptr<Attempt>& attempt, const PipelineOptions& options);
  static Error set_up(pg_conn* conn, const PipelineOptions& options, bool& pooled, std::string& settings);

  PipelineOptions options_;
  const Clock& clock_;
  std::function<void()> wake_;
  std::minstd_rand random_{std::random_device{}()};

  Conn conn_;
  std::shared_ptr<Attempt> attempt_;
  Instant retry_at_{};    ///< next try to connect, while there is neither a connection nor an attempt
  Instant give_up_at_{};  ///< when the attempt is abandoned
  Duration backoff_{};
  Error last_error_{};
  std::string last_refusal_;  ///< in the server's words
  std::string encoding_ = "UTF8";
  bool pooled_ = false;
  std::string settings_;  ///< of every transaction; a direct connection has them prepared
  bool want_write_ = false;
  bool read_only_ = false;  ///< the server has refused to write: the connection is lost with the next Sync
  std::uint64_t connections_ = 0;

  CommandId next_id_ = 1;
  std::deque<Command> sent_;
  std::deque<Waiting> waiting_;  ///< for the one before them to be answered: through a pooler only
  Instant head_since_{};         ///< since when the first of `sent_` is what the server should be answering
  std::vector<Answer> done_;
  std::map<std::uint64_t, Prepared> prepared_;  ///< by Statement::id; what this connection knows by name
  std::uint64_t next_name_ = 1;
  std::vector<std::string> notifications_;
};

}  // namespace embedd::pg
