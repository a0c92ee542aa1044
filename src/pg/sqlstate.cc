#include "pg/sqlstate.h"

namespace embedd::pg {
namespace {

struct Rule {
  std::string_view prefix;
  ErrorKind kind;
};

/// The first rule whose prefix matches decides, so exact codes precede their class.
constexpr Rule kRules[] = {
    {"40001", ErrorKind::conflict},      // serialization_failure
    {"40P01", ErrorKind::conflict},      // deadlock_detected
    {"55P03", ErrorKind::conflict},      // lock_not_available: embedd's lock_timeout
    {"55006", ErrorKind::conflict},      // object_in_use
    {"40003", ErrorKind::in_doubt},      // statement_completion_unknown
    {"08007", ErrorKind::in_doubt},      // transaction_resolution_unknown
    {"08", ErrorKind::unavailable},      // connection exceptions
    {"25006", ErrorKind::unavailable},   // read_only_sql_transaction: a standby, until it is promoted
    {"28", ErrorKind::unauthenticated},  // wrong role or password
    {"3D", ErrorKind::misconfigured},    // no such database
    {"3F", ErrorKind::misconfigured},    // no such schema
    {"42", ErrorKind::misconfigured},    // syntax, privileges, missing or changed objects
    {"57014", ErrorKind::canceled},      // query_canceled: statement_timeout or a person
    {"57P", ErrorKind::unavailable},     // shutting down, starting up, terminated
    {"53", ErrorKind::unavailable},      // disk, memory, connections
    {"54", ErrorKind::rejected},         // program limits: this statement will not get smaller
    {"58", ErrorKind::unavailable},      // the server's own system errors
    {"XX", ErrorKind::unavailable},      // internal, corrupted
    {"40", ErrorKind::conflict},         // other rollbacks
};

}  // namespace

ErrorKind classify(std::string_view sqlstate) {
  if (sqlstate.empty()) return ErrorKind::unavailable;
  for (const Rule& rule : kRules)
    if (sqlstate.starts_with(rule.prefix)) return rule.kind;
  return ErrorKind::rejected;
}

}  // namespace embedd::pg
