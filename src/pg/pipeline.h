/// One nonblocking connection for the worker's loop. Statements are sent in pipeline mode, and answers come
/// back in order. A lost connection is opened again, without end.
///
///   Pipeline pipeline(options, clock, [&] { io.wake(); });
///   const CommandId id = pipeline.send(statement, std::move(params));
///   …wait on add_interests() and wake_at()…
///   for (Answer& answer : pipeline.take()) use(answer.id, answer.rows);
///
/// No call blocks: connecting, which may wait for DNS, runs on a helper thread that hands the connection
/// over. Each command is a transaction of its own (with its own Sync). Through a pooler one command is sent
/// at a time, and the others wait here. Every command gets exactly one answer. Errors: by SQLSTATE
/// (pg/sqlstate.h); unavailable if the command was never sent; in_doubt if the connection broke, or the
/// server was silent for `command_timeout`, before the server confirmed the commit. A session that turns out
/// to be read-only is closed too: after a failover, only a new connection finds the primary.
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

/// A statement's text, and its id in the connection's cache of prepared statements.
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

/// How the server plans a statement. `custom`: for the actual parameters, at each execution. `generic`: once,
/// without the parameters, which saves the plan's copies of parameters that are megabytes long. Use `generic`
/// only for statements whose right plan does not depend on the parameters, and run DISCARD PLANS now and
/// then, because a plan made for a small table stays.
enum class Planning { custom, generic };

/// The present value of a connection string that may have changed; none: it is unchanged. Called from helper
/// threads, which may outlive the Pipeline.
using ConninfoNow = std::function<std::optional<Secret>()>;

struct PipelineOptions {
  Secret conninfo;             ///< URI or keywords; empty: the usual PG* variables
  ConninfoNow conninfo_now{};  ///< called before each attempt, so that a password can be rotated; may be null
  std::string application_name = "embedd";
  std::string channel;  ///< LISTEN on this channel, if the connection is direct; empty: none
  /// Silence of this length, while an answer is due, drops the connection.
  Duration command_timeout = seconds(60);
  /// The server's limit; never more than five sixths of command_timeout.
  Duration statement_timeout = seconds(60);
  Duration lock_timeout = milliseconds(200);
  Planning planning = Planning::custom;
  std::string search_path;      ///< empty: pg_catalog, and then the role's
  bool sees_every_row = false;  ///< fail if row-level security would hide rows
  bool settles = false;         ///< written vectors match their texts, so the triggers need not check them
  bool keep_messages = false;   ///< errors also contain the server's own words, as Error::verbatim
};

class Pipeline final : public Waitable {
 public:
  /// `clock` must outlive this object. `wake` is called from a helper thread, never after the destructor has
  /// returned.
  Pipeline(PipelineOptions options, const Clock& clock, std::function<void()> wake);
  ~Pipeline() override;
  Pipeline(const Pipeline&) = delete;
  Pipeline& operator=(const Pipeline&) = delete;

  /// Sends `statement`. Without a connection, its answer is `unavailable` at once.
  CommandId send(const Statement& statement, const Params& params = {});
  /// Does what is possible without waiting, and returns the answers that have come, in order.
  std::vector<Answer> take();
  /// Payloads of the notifications that have come.
  std::vector<std::string> take_notifications();

  /// A connection exists.
  [[nodiscard]] bool ready() const { return conn_ != nullptr; }
  /// The connection goes through a pooler in transaction mode: no session state. Known once ready.
  [[nodiscard]] bool pooled() const { return pooled_; }
  /// The number of connections so far. A new number means that session state was lost.
  [[nodiscard]] std::uint64_t connections() const { return connections_; }
  /// The encoding of the database at the last connection; "UTF8" before the first.
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
  struct Attempt;  ///< one attempt to connect, shared with its helper thread
  struct Command {
    CommandId id = 0;
    std::uint64_t statement = 0;
    bool begun = false;                         ///< the settings of its transaction are confirmed
    bool preparing = false;                     ///< it contains its statement's Prepare, not yet confirmed
    std::optional<Result<BinaryRows>> outcome;  ///< results received before its Sync
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
  Instant retry_at_{};    ///< next attempt, while there is neither a connection nor an attempt
  Instant give_up_at_{};  ///< when the current attempt is given up
  Duration backoff_{};
  Error last_error_{};
  std::string last_refusal_;  ///< in the server's words
  std::string encoding_ = "UTF8";
  bool pooled_ = false;
  std::string settings_;  ///< SQL of every transaction; a direct connection has it prepared
  bool want_write_ = false;
  bool read_only_ = false;  ///< the server refused to write, so the next Sync closes the connection
  std::uint64_t connections_ = 0;

  CommandId next_id_ = 1;
  std::deque<Command> sent_;
  std::deque<Waiting> waiting_;  ///< through a pooler only: commands that wait for the one before them
  Instant head_since_{};         ///< since when the first of `sent_` has waited for the server's answer
  std::vector<Answer> done_;
  /// By Statement::id; statements that are prepared in this connection.
  std::map<std::uint64_t, Prepared> prepared_;
  std::uint64_t next_name_ = 1;
  std::vector<std::string> notifications_;
};

}  // namespace embedd::pg
