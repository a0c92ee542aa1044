/// The extension pgvector, as the database has it installed.
#pragma once

#include <string>

#include "base/error.h"
#include "pg/connection.h"

namespace embedd::schema {

struct Pgvector {
  std::string schema;           ///< quoted; its types and operators are named by it, under any search_path
  bool iterative_scan = false;  ///< since 0.8: an index goes on until enough rows pass the filter
};

/// Error: misconfigured, if the database does not have the extension.
Result<Pgvector> find_pgvector(pg::Connection& db);

}  // namespace embedd::schema
