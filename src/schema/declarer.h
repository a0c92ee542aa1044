/// The privileges that a role needs to declare a vectorizer on another role's table, and to drop it.
#pragma once

#include <string>
#include <vector>

#include "pg/connection.h"
#include "schema/source_table.h"

namespace embedd::schema {

struct DeclarerNeeds {
  std::vector<std::string> read, written;  ///< columns of the source
  bool filtered = false;  ///< a condition is tried on a temporary copy of the table's columns
};

/// The GRANTs that the current role lacks, as statements for the owner; empty if it lacks none. The schema
/// `embedd` must exist. Needs no privilege.
Result<std::vector<std::string>> grants_to_declare(pg::Connection& db, const SourceTable& source,
                                                   const DeclarerNeeds& needs);

/// The roles as which workers may run: the owner of embedd.workers, and roles that may write to
/// embedd.workers by a GRANT. Without superusers.
Result<std::vector<std::string>> worker_roles(pg::Connection& db);

}  // namespace embedd::schema
