/// Takes back all that embedd has put into the database: vectorizers, what embedd.made records, indexes by
/// their names, the schema embedd, and the role embedd_capture if no other database uses it.
///
/// The steps are transactions of their own, each with short tries for its locks. After a failure, another
/// call goes on with the steps that are left.
#pragma once

#include <string>
#include <vector>

#include "pg/connection.h"

namespace embedd::schema {

struct UninstallOptions {
  bool keep_vectors = false;  ///< columns, stores, views and indexes stay
  bool with_traces = false;   ///< tables of `embedd traces init` go although they have rows
};

struct Removal {
  std::string kind;  ///< vectorizer, index, column, table, view, extension, schema, role
  std::string name;
};

struct Uninstallation {
  std::vector<Removal> removes;    ///< in the order in which they are removed; empty: nothing is there
  std::vector<std::string> stays;  ///< what stays, and why
  std::vector<std::string> stands_in_the_way;  ///< why uninstall() would refuse, with what to do
};

/// What uninstall() would do. Changes nothing. Error: misconfigured, if the schema is of another version.
Result<Uninstallation> plan_uninstall(pg::Connection& db, const UninstallOptions& options);

/// Does it, and says what was removed. Errors: conflict (a worker runs, a table stayed busy), misconfigured
/// (privileges), invalid_argument (something of the owner's depends on what is to go, an index waits to be
/// built again), PostgreSQL's own. After the first step, the message names what is left.
Result<Uninstallation> uninstall(pg::Connection& db, const UninstallOptions& options);

}  // namespace embedd::schema
