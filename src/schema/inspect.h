/// Reads what `embedd check` needs of the database: versions, and privileges that a worker lacks. Changes
/// nothing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pg/connection.h"

namespace embedd::schema {

struct ServerFacts {
  std::string version;  ///< "15.4"
  int version_number = 0;
  std::string database;
  std::string role;
  bool read_only = false;          ///< a standby, or default_transaction_read_only
  bool direct = true;              ///< false: behind a pooler such as PgBouncer
  std::string vector_installed;    ///< version of the extension in this database; empty: not installed
  std::string vector_available;    ///< version that the server could install; empty: none
  int schema_version = 0;          ///< newest migration applied; 0: no schema
  bool may_create_schema = false;  ///< in this database
  bool may_read_schema = true;     ///< false: the schema exists, and no more is known about it
};

Result<ServerFacts> inspect_server(pg::Connection& db);

/// The GRANTs that `role` (empty: the current role) lacks to run workers for all vectorizers, as statements;
/// empty if it lacks none. The schema must be current. Errors: misconfigured (no such role).
Result<std::vector<std::string>> missing_grants(pg::Connection& db, std::string_view role = {});

/// Vector indexes of vectorizers' columns that a known fault of pgvector may have corrupted, each qualified
/// and quoted. Releases before 0.8.4 have this fault; empty for later ones. The schema must be current.
Result<std::vector<std::string>> endangered_indexes(pg::Connection& db);

/// The rights of the current role that a worker does not need: triggers of source tables run with these
/// rights when a vector is stored. Empty: none worth mentioning. The schema must be current.
Result<std::string> excess_rights(pg::Connection& db);

/// A sentence for each source table whose rows row-level security may hide from another role of workers.
/// capture_state() reports the current role. The schema must be current.
Result<std::vector<std::string>> rows_hidden_from_workers(pg::Connection& db);

}  // namespace embedd::schema
