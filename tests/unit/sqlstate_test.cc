// SQLSTATE to ErrorKind, one row per rule.
#include "pg/sqlstate.h"

#include <gtest/gtest.h>

namespace embedd::pg {
namespace {

TEST(Sqlstate, IsClassifiedByConsequence) {
  const struct {
    std::string_view sqlstate;
    ErrorKind kind;
    std::string_view name;
  } cases[] = {
      {"", ErrorKind::unavailable, "no answer at all"},
      {"08006", ErrorKind::unavailable, "connection_failure"},
      {"08007", ErrorKind::in_doubt, "transaction_resolution_unknown"},
      {"40003", ErrorKind::in_doubt, "statement_completion_unknown"},
      {"57P01", ErrorKind::unavailable, "admin_shutdown"},
      {"57P03", ErrorKind::unavailable, "cannot_connect_now"},
      {"57014", ErrorKind::canceled, "query_canceled"},
      {"53100", ErrorKind::unavailable, "disk_full"},
      {"53300", ErrorKind::unavailable, "too_many_connections"},
      {"58030", ErrorKind::unavailable, "io_error"},
      {"XX000", ErrorKind::unavailable, "internal_error"},
      {"25006", ErrorKind::unavailable, "read_only_sql_transaction"},
      {"40001", ErrorKind::conflict, "serialization_failure"},
      {"40P01", ErrorKind::conflict, "deadlock_detected"},
      {"40002", ErrorKind::conflict, "transaction_integrity_constraint_violation"},
      {"55P03", ErrorKind::conflict, "lock_not_available"},
      {"28P01", ErrorKind::unauthenticated, "invalid_password"},
      {"28000", ErrorKind::unauthenticated, "invalid_authorization_specification"},
      {"3D000", ErrorKind::misconfigured, "invalid_catalog_name"},
      {"3F000", ErrorKind::misconfigured, "invalid_schema_name"},
      {"42501", ErrorKind::misconfigured, "insufficient_privilege"},
      {"42P01", ErrorKind::misconfigured, "undefined_table"},
      {"42703", ErrorKind::misconfigured, "undefined_column"},
      {"22000", ErrorKind::rejected, "data_exception: pgvector's wrong dimensions"},
      {"23514", ErrorKind::rejected, "check_violation"},
      {"P0001", ErrorKind::rejected, "raise_exception in a user's trigger"},
      {"54000", ErrorKind::rejected, "program_limit_exceeded"},
      {"ZZ999", ErrorKind::rejected, "a class of the future"},
  };
  for (const auto& c : cases)
    EXPECT_EQ(name_of(classify(c.sqlstate)), name_of(c.kind)) << c.sqlstate << " " << c.name;
}

}  // namespace
}  // namespace embedd::pg
