/// Runs one statement under settings of its own, in one transaction and one round trip, and waits no longer
/// than a deadline.
///
///   OneTrip trip(db);
///   auto rows = trip.run({.settings = "SELECT set_config(…)", .sql = "SELECT …", .params = params},
///   deadline);
///
/// Statements stay prepared in the connection, kMaxPrepared of them, unless the connection leads through a
/// pooler in transaction mode. Between two calls the Connection may be used as always.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/units.h"
#include "pg/connection.h"
#include "pg/rows.h"

namespace embedd::pg {

class OneTrip {
 public:
  static constexpr std::size_t kMaxPrepared = 64;

  struct Trip {
    std::string settings;
    std::string sql;
    std::vector<Param> params;
    bool explain = false;  ///< also return the statement's plan, as JSON
  };
  struct Outcome {
    Rows rows;
    std::string plan;
  };

  /// Finds out whether the connection leads through a pooler. `db` must outlive this object.
  static Result<OneTrip> over(Connection& db);

  /// Errors by SQLSTATE, whose messages quote no row; unavailable if the connection broke or the deadline
  /// passed without an answer. Then broken() is true, and the connection is of no further use.
  Result<Outcome> run(const Trip& trip, Instant deadline);
  [[nodiscard]] bool broken() const { return broken_; }
  /// SQLSTATE of the last refused statement; empty if none was refused.
  [[nodiscard]] const std::string& last_sqlstate() const { return last_sqlstate_; }
  void clear() { last_sqlstate_.clear(); }
  /// Forgets the prepared statements, whose plans may be for tables that have changed.
  void forget();

 private:
  OneTrip(Connection& db, bool pooled) : db_(&db), pooled_(pooled) {}
  bool send(const Trip& trip, bool& preparing);
  bool flush(Instant deadline);
  /// True when the socket is ready.
  [[nodiscard]] bool wait(bool to_write, Instant deadline) const;
  Result<Outcome> read(const Trip& trip, bool preparing, Instant deadline);
  std::unexpected<Error> lost(std::string message);

  Connection* db_;
  bool pooled_;
  bool broken_ = false;
  std::string last_sqlstate_;
  std::map<std::string, std::string> prepared_;  ///< name by text
  std::uint64_t next_name_ = 1;
};

}  // namespace embedd::pg
