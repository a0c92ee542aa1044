/// What a role must have been granted to declare a vectorizer on another's table, and to drop it again.
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

/// The GRANTs that the current role lacks, each a statement for the owner; empty if it lacks none. The schema
/// `embedd` must be there. Needs no privilege.
Result<std::vector<std::string>> grants_to_declare(pg::Connection& db, const SourceTable& source,
                                                   const DeclarerNeeds& needs);

/// The roles that workers may run as: the owner of embedd.workers, and whoever may write to it by a GRANT.
/// Superusers are not among them.
Result<std::vector<std::string>> worker_roles(pg::Connection& db);

}  // namespace embedd::schema
