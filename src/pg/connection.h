/// A blocking connection for commands: one libpq connection, statements with text parameters, errors by kind.
///
///   auto db = Connection::open(settings.database_url);
///   if (!db) return report(db.error());
///   auto rows = db->exec("SELECT id FROM embedd.vectorizers WHERE name = $1", {name});
///   for (int i = 0; i < rows->size(); ++i) use(rows->integer(i, 0));
///
/// One thread at a time. The worker's loop uses the nonblocking pg/pipeline.h instead.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "pg/rows.h"
#include "pg/server_error.h"

struct pg_conn;
struct pg_result;

namespace embedd::pg {

/// A statement's parameter in text form; nullopt is NULL.
using Param = std::optional<std::string>;

class Connection {
 public:
  /// `conninfo`: a URI or keywords; empty means the usual PG* variables. Waits at most `connect_timeout` (10
  /// s unless the conninfo says otherwise). Errors: unavailable, unauthenticated, misconfigured (no such
  /// database), invalid_argument (the conninfo cannot be parsed). No message contains the conninfo.
  /// `to_write`: of several hosts, takes the one that can be written to, unless the conninfo says otherwise.
  static Result<Connection> open(const Secret& conninfo, std::string_view application_name = "embedd",
                                 bool to_write = false);

  /// Runs one statement with the extended protocol, so that `sql` cannot contain a second one. Errors: by
  /// SQLSTATE, see pg/sqlstate.h; in_doubt if the connection broke after sending.
  Result<Rows> exec(const std::string& sql, std::span<const Param> params);
  Result<Rows> exec(const std::string& sql, std::initializer_list<Param> params = {}) {
    return exec(sql, std::span<const Param>(params.begin(), params.size()));
  }
  /// Runs several statements with the simple protocol, without parameters. Only for embedd's own text.
  Result<void> run_script(const std::string& sql);

  /// BEGIN, `body`, COMMIT; ROLLBACK if `body` fails. `body` returns a Result.
  template <typename Body>
  auto transaction(Body&& body) -> decltype(body()) {
    if (auto begun = exec("BEGIN"); !begun) return std::unexpected(begun.error());
    auto result = body();
    if (!result) {
      (void)exec("ROLLBACK");
      return result;
    }
    if (auto committed = exec("COMMIT"); !committed) return std::unexpected(committed.error());
    return result;
  }

  /// While an OverRows exists, statements evaluate expressions over a user's rows, and errors contain no more
  /// than a log may.
  class OverRows {
   public:
    explicit OverRows(Connection& db) : db_(db) { db_.reader_ = Reader::log; }
    ~OverRows() { db_.reader_ = Reader::person; }
    OverRows(const OverRows&) = delete;
    OverRows& operator=(const OverRows&) = delete;

   private:
    Connection& db_;
  };

  /// SQLSTATE of the last failed statement; empty after a success or a lost connection.
  [[nodiscard]] const std::string& last_sqlstate() const { return last_sqlstate_; }
  [[nodiscard]] std::string quote_identifier(std::string_view name) const;
  [[nodiscard]] std::string quote_literal(std::string_view text) const;
  [[nodiscard]] int server_version() const;  ///< 150004 for 15.4
  /// An SQL expression for `text` (an SQL expression of type text) that this connection can read. If the
  /// database's encoding is not UTF-8, a character that cannot be converted is shown as <fc>, and fails no
  /// statement. Needs embedd's schema.
  [[nodiscard]] std::string readable(std::string_view text) const;
  /// True if the database's encoding is UTF-8, so that no text needs conversion.
  [[nodiscard]] bool is_utf8() const;
  /// The process that serves this connection, as libpq was told; a pooler invents a number.
  [[nodiscard]] int backend_pid() const;
  /// False once the connection was found broken.
  [[nodiscard]] bool usable() const;
  [[nodiscard]] pg_conn* native() const { return conn_.get(); }

 private:
  struct Finish {
    void operator()(pg_conn* conn) const;
  };
  explicit Connection(pg_conn* conn) : conn_(conn) {}
  Result<Rows> finish(pg_result* result);

  std::unique_ptr<pg_conn, Finish> conn_;
  std::string last_sqlstate_;
  Reader reader_ = Reader::person;
};

/// Pins the settings under which workers make texts and keys (schema/sql_text.h), for the rest of the current
/// transaction.
Result<void> pin_settings(Connection& db);

}  // namespace embedd::pg
