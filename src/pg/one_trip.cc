#include "pg/one_trip.h"

#include <fmt/format.h>
#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <optional>

#include "base/trim.h"
#include "pg/server_error.h"
#include "pg/sqlstate.h"

namespace embedd::pg {

Result<OneTrip> OneTrip::over(Connection& db) {
  // A pooler answers with a key of its own.
  const auto backend = TRY(db.exec("SELECT pg_catalog.pg_backend_pid()"));
  return OneTrip(db, backend.integer(0, 0) != db.backend_pid());
}

void OneTrip::forget() {
  if (!prepared_.empty() && !broken_) (void)db_->exec("DEALLOCATE ALL");
  prepared_.clear();
}

Result<OneTrip::Outcome> OneTrip::run(const Trip& trip, Instant deadline) {
  last_sqlstate_.clear();
  if (prepared_.size() >= kMaxPrepared) forget();
  PGconn* conn = db_->native();
  bool preparing = false;
  if (PQenterPipelineMode(conn) != 1 || PQsetnonblocking(conn, 1) != 0 || !send(trip, preparing) ||
      PQpipelineSync(conn) != 1 || !flush(deadline))
    return lost(std::string(trim(PQerrorMessage(conn))));
  auto outcome = read(trip, preparing, deadline);
  if (!broken_ && (PQexitPipelineMode(conn) != 1 || PQsetnonblocking(conn, 0) != 0)) broken_ = true;
  return outcome;
}

bool OneTrip::send(const Trip& trip, bool& preparing) {
  PGconn* conn = db_->native();
  std::vector<const char*> values;
  for (const Param& param : trip.params) values.push_back(param ? param->c_str() : nullptr);
  const int n = static_cast<int>(values.size());
  if (PQsendQueryParams(conn, trip.settings.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 0) != 1)
    return false;
  if (pooled_) {
    if (PQsendQueryParams(conn, trip.sql.c_str(), n, nullptr, values.data(), nullptr, nullptr, 0) != 1)
      return false;
  } else {
    auto known = prepared_.find(trip.sql);
    preparing = known == prepared_.end();
    if (preparing) {
      known = prepared_.emplace(trip.sql, fmt::format("embedd_{}", next_name_++)).first;
      if (PQsendPrepare(conn, known->second.c_str(), trip.sql.c_str(), 0, nullptr) != 1) return false;
    }
    if (PQsendQueryPrepared(conn, known->second.c_str(), n, values.data(), nullptr, nullptr, 0) != 1)
      return false;
  }
  const std::string explain = "EXPLAIN (FORMAT JSON) " + trip.sql;
  return !trip.explain ||
         PQsendQueryParams(conn, explain.c_str(), n, nullptr, values.data(), nullptr, nullptr, 0) == 1;
}

bool OneTrip::wait(bool to_write, Instant deadline) const {
  const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now()).count();
  pollfd waiting{.fd = PQsocket(db_->native()),
                 .events = static_cast<short>(POLLIN | (to_write ? POLLOUT : 0)),
                 .revents = 0};
  return left > 0 && poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(left, 60'000))) >= 0 &&
         std::chrono::steady_clock::now() < deadline;
}

bool OneTrip::flush(Instant deadline) {
  PGconn* conn = db_->native();
  while (true) {
    const int left = PQflush(conn);
    if (left <= 0) return left == 0;
    if (!wait(true, deadline) || PQconsumeInput(conn) != 1) return false;
  }
}

Result<OneTrip::Outcome> OneTrip::read(const Trip& trip, bool preparing, Instant deadline) {
  PGconn* conn = db_->native();
  std::vector<Rows> answers;  // of the settings, the statement and its plan
  std::optional<Error> refusal;
  int nulls = 0;  // two in a row: the server died
  while (nulls < 2) {
    while (PQisBusy(conn) == 1)
      if (!wait(false, deadline) || PQconsumeInput(conn) != 1)
        return lost("the database did not answer within the search's deadline");
    PGresult* result = PQgetResult(conn);
    nulls = result ? 0 : nulls + 1;
    if (!result) continue;
    Rows rows(result);
    const ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_PIPELINE_SYNC) {
      if (refusal) {
        if (preparing) prepared_.erase(trip.sql);
        return std::unexpected(std::move(*refusal));
      }
      if (answers.size() < (trip.explain ? 3 : 2)) break;
      std::string plan = trip.explain ? answers[2].text(0, 0) : "";
      return Outcome{std::move(answers[1]), std::move(plan)};
    }
    if (status == PGRES_TUPLES_OK) {
      answers.push_back(std::move(rows));
    } else if (status == PGRES_COMMAND_OK) {
      preparing = false;  // a prepared statement stays, whatever becomes of the transaction
    } else if (status != PGRES_PIPELINE_ABORTED && !refusal) {
      const ServerError error = read_error(result);
      last_sqlstate_ = error.sqlstate;
      refusal = Error{classify(error.sqlstate), describe(error, Reader::log)};
    }
  }
  return lost("the connection to the database was lost");
}

std::unexpected<Error> OneTrip::lost(std::string message) {
  broken_ = true;
  return fail(ErrorKind::unavailable,
              message.empty() ? "the connection to the database was lost" : std::move(message));
}

}  // namespace embedd::pg
