#include "pg/pipeline.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <utility>

#include "base/check.h"
#include "base/threads.h"
#include "base/trim.h"
#include "pg/database_url.h"
#include "pg/quoting.h"
#include "pg/server_error.h"
#include "pg/session_settings.h"
#include "pg/sqlstate.h"

namespace embedd::pg {
namespace {

constexpr Duration kFirstBackoff = milliseconds(100), kLongestBackoff = seconds(5);
/// libpq's own limit (connect_timeout) counts per address, and does not count in DNS; this limit ends the
/// attempt.
constexpr Duration kLongestAttempt = seconds(30);
/// More would be a leak: each definition of a vectorizer has a dozen statements.
constexpr std::size_t kMaxPrepared = 512;

constexpr const char* kReadOnly =
    "the session is read-only: the server is a standby, or default_transaction_read_only is on";

Error error_of(const PGresult* result, bool keep_messages) {
  const ServerError error = read_error(result);
  Error out{classify(error.sqlstate), describe(error, Reader::log)};
  // Treated as a timeout: other vectors may be stored, and this one waits until the index is repaired.
  if (is_index_fault(error)) {
    out.kind = ErrorKind::canceled;
    out.message +=
        ": an index refuses the vector, which is kept. pgvector older than 0.8.4 can corrupt HNSW indexes: "
        "upgrade "
        "it, then REINDEX INDEX CONCURRENTLY";
  }
  if (keep_messages) out.verbatim = describe_verbatim(error);
  return out;
}

/// True for the refusal of a standby, of a primary that became a standby, or of a role that may not write.
/// Another connection may find the primary; until then this connection is useless.
bool is_read_only(const PGresult* result) {
  const char* sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return sqlstate != nullptr && std::string_view(sqlstate) == "25006";
}

bool is_fatal(const PGresult* result) {
  const char* severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
  return severity == nullptr || std::string_view(severity) == "FATAL" ||
         std::string_view(severity) == "PANIC";
}

/// True if the plan or the name is unusable, and a new statement of the same text may work: 0A000 "cached
/// plan must not change result type", 26000 no such prepared statement, 42P05 it exists already (a pooler
/// that looks like a server).
bool is_stale_plan(const PGresult* result) {
  const char* sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const std::string_view code = sqlstate ? sqlstate : "";
  return code == "0A000" || code == "26000" || code == "42P05";
}

/// 26000: the session no longer knows the name, so it may have lost other state too.
bool is_forgotten(const PGresult* result) {
  const char* sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  return sqlstate != nullptr && std::string_view(sqlstate) == "26000";
}

/// The name under which settings_sql() is prepared.
constexpr const char* kSettingsName = "embedd_settings";

}  // namespace

Statement::Statement(std::string sql) : sql_(std::move(sql)) {
  static std::atomic<std::uint64_t> next{1};
  id_ = next++;
}

struct Pipeline::Attempt {
  std::mutex mutex;
  std::function<void()> wake;
  bool abandoned = false;
  bool finished = false;
  bool pooled = false;
  std::string settings;
  Conn conn;
  Error error;
};

void Pipeline::Finish::operator()(pg_conn* conn) const { PQfinish(conn); }

Pipeline::Pipeline(PipelineOptions options, const Clock& clock, std::function<void()> wake)
    : options_(std::move(options)), clock_(clock), wake_(std::move(wake)), backoff_(kFirstBackoff) {
  last_error_ = {ErrorKind::unavailable, "not connected yet"};
  start_connecting();
}

Pipeline::~Pipeline() {
  if (!attempt_) return;
  const std::lock_guard lock(attempt_->mutex);
  attempt_->abandoned = true;
}

void Pipeline::start_connecting() {
  attempt_ = std::make_shared<Attempt>();
  attempt_->wake = wake_;
  give_up_at_ = clock_.now() + kLongestAttempt;
  // Detached: an attempt that hangs in DNS must not delay the end of the process.
  start_thread([attempt = attempt_, options = options_] { connect(attempt, options); }).detach();
}

void Pipeline::connect(const std::shared_ptr<Attempt>& attempt, const PipelineOptions& options) {
  const std::optional<Secret> now = options.conninfo_now ? options.conninfo_now() : std::nullopt;
  const std::string conninfo(now ? now->reveal() : options.conninfo.reveal());
  // The conninfo overrides keywords before dbname; keywords after dbname override the conninfo. The timeouts
  // notice a server that vanished without closing the connection: keepalives on an idle connection, TCP's
  // user timeout on a busy one. Of several hosts, a standby is of no use.
  const char* keywords[] = {"fallback_application_name", "target_session_attrs",
                            "connect_timeout",           "keepalives_idle",
                            "keepalives_interval",       "keepalives_count",
                            "tcp_user_timeout",          "dbname",
                            "client_encoding",           nullptr};
  const char* values[] = {options.application_name.c_str(),
                          "read-write",
                          "5",
                          "30",
                          "10",
                          "3",
                          "30000",
                          conninfo.c_str(),
                          "UTF8",
                          nullptr};
  Conn conn(PQconnectdbParams(keywords, values, 1));
  CHECK(conn != nullptr, "out of memory");
  Error error;
  bool pooled = false;
  std::string settings;
  if (PQstatus(conn.get()) == CONNECTION_OK)
    error = set_up(conn.get(), options, pooled, settings);
  else
    error.message = explain_connect_error(std::string(trim(PQerrorMessage(conn.get()))));
  const HiddenSecret password = hide_password(conn.get());
  if (!error.message.empty()) {
    error.message = redact(std::string(trim(error.message)));
    conn.reset();
  }
  const std::lock_guard lock(attempt->mutex);
  if (attempt->abandoned) return;
  attempt->conn = std::move(conn);
  attempt->error = std::move(error);
  attempt->pooled = pooled;
  attempt->settings = std::move(settings);
  attempt->finished = true;
  attempt->wake();
}

/// Sets the session settings, LISTEN, and pipeline mode. An empty message means success.
Error Pipeline::set_up(pg_conn* conn, const PipelineOptions& options, bool& pooled, std::string& settings) {
  PQsetNoticeReceiver(conn, [](void*, const PGresult*) {}, nullptr);
  const auto run = [conn](const std::string& sql, std::string* value) {
    std::unique_ptr<PGresult, decltype(&PQclear)> result(PQexec(conn, sql.c_str()), &PQclear);
    const ExecStatusType status = PQresultStatus(result.get());
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) return false;
    if (value) *value = PQgetvalue(result.get(), 0, 0);
    return true;
  };
  const auto failed = [conn] {
    const std::string_view message = PQerrorMessage(conn);
    return Error{ErrorKind::unavailable,
                 message.empty() ? "the session cannot be set up" : std::string(message)};
  };

  // Whatever target_session_attrs the conninfo has, the session must be able to store vectors.
  std::string read_only;
  if (!run("SHOW transaction_read_only", &read_only)) return failed();
  if (read_only == "on") return {ErrorKind::unavailable, kReadOnly};
  std::string backend;
  if (!run("SELECT pg_catalog.pg_backend_pid()", &backend)) return failed();
  // A pooler answers with a key of its own.
  pooled = backend != std::to_string(PQbackendPID(conn));
  if (pooled) {
    settings = settings_sql(options, "pg_catalog.current_setting('search_path')");
  } else {
    std::string path;
    if (!run("SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'search_path'", &path))
      return failed();
    settings = settings_sql(options, quote_literal(path));
    if (!run(kSessionSettings, nullptr)) return failed();
    const std::unique_ptr<PGresult, decltype(&PQclear)> prepared(
        PQprepare(conn, kSettingsName, settings.c_str(), 0, nullptr), &PQclear);
    if (PQresultStatus(prepared.get()) != PGRES_COMMAND_OK) return failed();
    if (!options.channel.empty() && !run("LISTEN " + options.channel, nullptr)) return failed();
  }
  if (PQsetnonblocking(conn, 1) != 0 || PQenterPipelineMode(conn) != 1) return failed();
  return {};
}

void Pipeline::finish_connecting() {
  const std::shared_ptr<Attempt> attempt = attempt_;
  const std::lock_guard lock(attempt->mutex);
  if (!attempt->finished) {
    if (clock_.now() < give_up_at_) return;
    attempt->abandoned = true;
    attempt->error = {ErrorKind::unavailable, "connecting took too long"};
  }
  attempt_.reset();
  if (!attempt->conn) return lose(attempt->error);
  conn_ = std::move(attempt->conn);
  pooled_ = attempt->pooled;
  settings_ = std::move(attempt->settings);
  const char* encoding = PQparameterStatus(conn_.get(), "server_encoding");
  if (encoding != nullptr) encoding_ = encoding;
  want_write_ = false;
  ++connections_;
}

CommandId Pipeline::send(const Statement& statement, const Params& params) {
  const CommandId id = next_id_++;
  if (!conn_) {
    done_.push_back({id, std::unexpected(Error{ErrorKind::unavailable, last_error_.message})});
    return id;
  }
  // A pooler gives the server's connection to another client when one transaction is answered, whatever is
  // still on its way. If this worker died then, that client would read this worker's answers.
  if (pooled_ && !sent_.empty())
    waiting_.push_back({id, statement, params});
  else
    transmit(id, statement, params);
  return id;
}

void Pipeline::transmit(CommandId id, const Statement& statement, const Params& params) {
  bool preparing = false;
  const bool sent = dispatch(statement, params, preparing);
  if (sent_.empty()) head_since_ = clock_.now();
  sent_.push_back({.id = id, .statement = statement.id(), .preparing = preparing});
  if (!sent)
    lose({ErrorKind::unavailable, why_lost()});
  else
    flush();
}

/// Puts the messages of one command into libpq's buffer.
bool Pipeline::dispatch(const Statement& statement, const Params& params, bool& preparing) {
  const std::size_t count = params.values().size();
  std::vector<const char*> values(count);
  std::vector<int> lengths(count), formats(count, 1);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = params.values()[i].data();
    lengths[i] = static_cast<int>(params.values()[i].size());
  }
  pg_conn* conn = conn_.get();
  const int n = static_cast<int>(count);
  // One transaction up to the Sync, so that the settings hold for this statement only.
  const bool begun =
      pooled_ ? PQsendQueryParams(conn, settings_.c_str(), 0, nullptr, nullptr, nullptr, nullptr, 1) == 1
              : PQsendQueryPrepared(conn, kSettingsName, 0, nullptr, nullptr, nullptr, 1) == 1;
  if (!begun) return false;
  const auto unnamed = [&] {
    return PQsendQueryParams(conn, statement.sql().c_str(), n, nullptr, values.data(), lengths.data(),
                             formats.data(), 1) == 1;
  };
  const auto named = [&](const std::string& name) {
    return PQsendQueryPrepared(conn, name.c_str(), n, values.data(), lengths.data(), formats.data(), 1) == 1;
  };

  bool sent = false;
  const auto known = prepared_.find(statement.id());
  if (pooled_) {
    sent = unnamed();
  } else if (known != prepared_.end()) {
    // Until the server has confirmed the name, later statements are sent without it.
    sent = known->second.confirmed ? named(known->second.name) : unnamed();
  } else if (prepared_.size() >= kMaxPrepared) {
    sent = unnamed();
  } else {
    const std::string name = fmt::format("embedd_{}", next_name_++);
    prepared_[statement.id()] = {.name = name};
    preparing = true;
    sent = PQsendPrepare(conn, name.c_str(), statement.sql().c_str(), 0, nullptr) == 1 && named(name);
  }
  return sent && PQpipelineSync(conn) == 1;
}

std::vector<Answer> Pipeline::take() {
  pump();
  return std::exchange(done_, {});
}

std::vector<std::string> Pipeline::take_notifications() {
  pump();
  return std::exchange(notifications_, {});
}

void Pipeline::pump() {
  if (!conn_) {
    if (attempt_)
      finish_connecting();
    else if (clock_.now() >= retry_at_)
      start_connecting();
    if (!conn_) return;
  }
  read();
  if (conn_) flush();
  if (conn_ && !sent_.empty() && clock_.now() >= head_since_ + options_.command_timeout)
    lose({ErrorKind::unavailable,
          fmt::format("the database has not answered for {:.0f} s", to_seconds(options_.command_timeout))});
}

void Pipeline::read() {
  pg_conn* conn = conn_.get();
  const bool alive = PQconsumeInput(conn) == 1;
  // In pipeline mode a NULL ends each command's results. After the server's death NULLs may come for ever, so
  // a second NULL in a row means that there are no more results.
  int nulls = 0;
  while (!sent_.empty() && nulls < 2 && PQisBusy(conn) == 0) {
    PGresult* result = PQgetResult(conn);
    nulls = result ? 0 : nulls + 1;
    if (result && !take_result(result)) return;
  }
  while (PGnotify* notice = PQnotifies(conn)) {
    notifications_.emplace_back(notice->extra);
    PQfreemem(notice);
  }
  if (!alive || PQstatus(conn) == CONNECTION_BAD) lose({ErrorKind::unavailable, why_lost()});
}

/// False if the connection was closed.
bool Pipeline::take_result(pg_result* result) {
  BinaryRows rows(result);  // owns it from here
  Command& head = sent_.front();
  switch (PQresultStatus(result)) {
    case PGRES_PIPELINE_SYNC: conclude(); return conn_ != nullptr;
    case PGRES_PIPELINE_ABORTED: return true;  // the error before it counts
    case PGRES_TUPLES_OK:
      // The first rows are those of the settings.
      if (std::exchange(head.begun, true)) head.outcome = std::move(rows);
      return true;
    case PGRES_COMMAND_OK:
      // The result of the Prepare, or of a statement without rows.
      if (std::exchange(head.preparing, false))
        prepared_[head.statement].confirmed = true;
      else
        head.outcome = std::move(rows);
      return true;
    default: break;
  }
  last_refusal_ = std::string(trim(PQresultErrorMessage(result)));
  Error error = error_of(result, options_.keep_messages);
  if (is_fatal(result)) {
    // The session ends here. Only the Sync would have shown whether the commit came first.
    lose({ErrorKind::unavailable, std::move(error.message)});
    return false;
  }
  read_only_ = read_only_ || is_read_only(result);
  if (!pooled_ && is_forgotten(result)) {
    lose({ErrorKind::unavailable, "a trigger or a rule discarded the session's prepared statements"});
    return false;
  }
  if (is_stale_plan(result)) {
    prepared_.erase(head.statement);
    head.preparing = false;
    error.kind = ErrorKind::conflict;
  }
  if (!head.outcome || head.outcome->has_value()) head.outcome = std::unexpected(std::move(error));
  return true;
}

/// The server has confirmed the head's transaction.
void Pipeline::conclude() {
  Command head = std::move(sent_.front());
  sent_.pop_front();
  head_since_ = clock_.now();
  if (!read_only_) backoff_ = kFirstBackoff;
  if (head.preparing) prepared_.erase(head.statement);  // the server refused its text
  if (!head.outcome)
    head.outcome =
        std::unexpected(Error{ErrorKind::in_doubt, "the database confirmed a statement without its result"});
  done_.push_back({head.id, std::move(*head.outcome)});
  if (std::exchange(read_only_, false)) return lose({ErrorKind::unavailable, kReadOnly});
  if (waiting_.empty() || !sent_.empty()) return;
  const Waiting next = std::move(waiting_.front());
  waiting_.pop_front();
  transmit(next.id, next.statement, next.params);
}

/// libpq's message about the connection, without a preceding message about the last refused command, which
/// may quote a row.
std::string Pipeline::why_lost() const {
  std::string message = PQerrorMessage(conn_.get());
  const std::size_t refusal = message.find(last_refusal_);
  if (refusal != std::string::npos) message.erase(0, refusal + last_refusal_.size());
  message.erase(0, message.find_first_not_of(" \n"));
  return std::string(trim(message));
}

/// Closes the connection: sent commands are in doubt, and the next attempt comes after a pause.
void Pipeline::lose(Error error) {
  if (error.message.empty()) error.message = "the connection to the database was lost";
  conn_.reset();
  prepared_.clear();
  for (Command& command : sent_)
    done_.push_back({command.id, std::unexpected(Error{ErrorKind::in_doubt, error.message})});
  sent_.clear();
  for (const Waiting& command : waiting_)
    done_.push_back({command.id, std::unexpected(Error{ErrorKind::unavailable, error.message})});
  waiting_.clear();
  last_error_ = std::move(error);
  const double jitter = std::uniform_real_distribution<double>(0.5, 1.0)(random_);
  retry_at_ = clock_.now() + std::chrono::duration_cast<Duration>(backoff_ * jitter);
  backoff_ = std::min<Duration>(2 * backoff_, kLongestBackoff);
}

void Pipeline::flush() {
  const int left = PQflush(conn_.get());
  want_write_ = left == 1;
  if (left < 0) lose({ErrorKind::unavailable, why_lost()});
}

void Pipeline::add_interests(std::vector<Interest>& interests) const {
  if (conn_) interests.push_back({.fd = PQsocket(conn_.get()), .read = true, .write = want_write_});
}

std::optional<Instant> Pipeline::wake_at() const {
  if (!done_.empty()) return Instant{};  // at once
  if (attempt_) return give_up_at_;
  if (!conn_) return retry_at_;
  if (!sent_.empty()) return head_since_ + options_.command_timeout;
  return std::nullopt;
}

}  // namespace embedd::pg
