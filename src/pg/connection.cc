#include "pg/connection.h"

#include <fmt/format.h>
#include <libpq-fe.h>

#include <cstdlib>

#include "base/check.h"
#include "base/trim.h"
#include "pg/database_url.h"
#include "pg/pinned_settings.h"
#include "pg/quoting.h"
#include "pg/sqlstate.h"

namespace embedd::pg {
namespace {

/// libpq's connection errors have no SQLSTATE, only the text of the server's FATAL message.
ErrorKind classify_connect(std::string_view message) {
  auto has = [&](std::string_view part) { return message.find(part) != std::string_view::npos; };
  if (has("password authentication failed") || has("no pg_hba.conf entry") || has("no password supplied") ||
      has("authentication failed") || (has("role \"") && has("does not exist")))
    return ErrorKind::unauthenticated;
  if (has("database \"") && has("does not exist")) return ErrorKind::misconfigured;
  return ErrorKind::unavailable;
}

}  // namespace

void Connection::Finish::operator()(PGconn* conn) const { PQfinish(conn); }

Result<Connection> Connection::open(const Secret& conninfo, std::string_view application_name,
                                    bool to_write) {
  const std::string info(conninfo.reveal());
  const std::string name(application_name);
  if (!info.empty()) {
    PQconninfoOption* parsed = PQconninfoParse(info.c_str(), nullptr);
    const bool valid = parsed != nullptr;
    PQconninfoFree(parsed);
    if (!valid && info.find_first_of("=:/") != std::string::npos)
      return fail(ErrorKind::invalid_argument,
                  "DATABASE_URL cannot be parsed; it should look like postgresql://user@host:5432/database");
  }
  // The conninfo overrides keywords before dbname; keywords after dbname override the conninfo.
  const char* keywords[] = {"fallback_application_name", "target_session_attrs",
                            "connect_timeout",           "dbname",
                            "client_encoding",           nullptr};
  const char* values[] = {name.c_str(), to_write ? "read-write" : "", "10", info.c_str(), "UTF8", nullptr};
  Connection connection(PQconnectdbParams(keywords, values, 1));
  CHECK(connection.conn_ != nullptr, "out of memory");
  if (PQstatus(connection.native()) != CONNECTION_OK) {
    const HiddenSecret password = hide_password(connection.native());
    std::string message = redact(std::string(trim(PQerrorMessage(connection.native()))));
    const ErrorKind kind = classify_connect(message);
    return fail(kind, explain_connect_error(std::move(message)));
  }
  // Notices (such as "already exists, skipping") are neither results nor events.
  PQsetNoticeReceiver(connection.native(), [](void*, const PGresult*) {}, nullptr);
  return connection;
}

Result<Rows> Connection::exec(const std::string& sql, std::span<const Param> params) {
  std::vector<const char*> values;
  values.reserve(params.size());
  for (const Param& param : params) values.push_back(param ? param->c_str() : nullptr);
  return finish(PQexecParams(native(), sql.c_str(), static_cast<int>(values.size()), nullptr, values.data(),
                             nullptr, nullptr, 0));
}

Result<void> Connection::run_script(const std::string& sql) {
  TRY(finish(PQexec(native(), sql.c_str())));
  return {};
}

Result<Rows> Connection::finish(PGresult* result) {
  Rows rows(result);
  last_sqlstate_.clear();
  const ExecStatusType status = PQresultStatus(result);
  if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK || status == PGRES_EMPTY_QUERY) return rows;
  const ServerError error = read_error(result);
  if (error.sqlstate.empty())
    return fail(ErrorKind::in_doubt, result ? error.message : std::string(trim(PQerrorMessage(native()))));
  if (PQstatus(native()) != CONNECTION_BAD) last_sqlstate_ = error.sqlstate;
  return fail(classify(error.sqlstate), describe(error, reader_));
}

std::string Connection::quote_identifier(std::string_view name) const {
  char* quoted = PQescapeIdentifier(native(), name.data(), name.size());
  CHECK(quoted != nullptr, "PQescapeIdentifier: {}", PQerrorMessage(native()));
  std::string out(quoted);
  PQfreemem(quoted);
  return out;
}

std::string Connection::quote_literal(std::string_view text) const {
  char* quoted = PQescapeLiteral(native(), text.data(), text.size());
  CHECK(quoted != nullptr, "PQescapeLiteral: {}", PQerrorMessage(native()));
  std::string out(quoted);
  PQfreemem(quoted);
  return out;
}

bool Connection::is_utf8() const {
  const char* encoding = PQparameterStatus(native(), "server_encoding");
  return encoding == nullptr || std::string_view(encoding) == "UTF8";
}

std::string Connection::readable(std::string_view text) const {
  return fmt::format(fmt::runtime(is_utf8() ? "{}" : "embedd.readable({})"), text);
}

int Connection::server_version() const { return PQserverVersion(native()); }

Result<void> pin_settings(Connection& db) {
  for (const PinnedSetting& setting : pinned_settings()) {
    TRY(db.exec("SELECT pg_catalog.set_config($1, $2, true)",
                {std::string(setting.name), std::string(setting.value)}));
  }
  return {};
}

bool Connection::usable() const { return PQstatus(native()) == CONNECTION_OK; }

int Connection::backend_pid() const { return PQbackendPID(native()); }

}  // namespace embedd::pg
