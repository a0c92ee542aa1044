/// The condition of `--where`, as a function of the row's columns: embedd.covers_<id>(…).
///
/// PostgreSQL parses its body once, when it is made, and keeps the tree: every function, operator and cast in
/// it is the one that was meant then, whatever is created later and whatever search_path a session has. It
/// has nobody's rights but the caller's, and is inlined into the statements that call it.
#pragma once

#include <string>
#include <vector>

#include "core/job.h"
#include "pg/connection.h"
#include "schema/source_table.h"

namespace embedd::schema {

struct CompiledFilter {
  std::string expression;            ///< over the bare names of the columns, all else qualified
  std::vector<std::string> columns;  ///< the row's columns that it reads
};

/// Checks that `where` is a boolean expression over the row's own columns, as of a CHECK constraint: no
/// subqueries, no aggregates. Must run inside a transaction. Error invalid_argument with PostgreSQL's own
/// reason.
Result<CompiledFilter> compile_filter(pg::Connection& db, const SourceTable& table, const std::string& where);

/// Makes the function, and returns the call of it over alias `t`. It may use what is PostgreSQL's own, an
/// extension's, or the current role's: anybody else could later replace what workers would run. Tries it on
/// the table's first rows, because a row on which it fails becomes a dead letter. Must run inside a
/// transaction. Error invalid_argument.
Result<std::string> create_filter(pg::Connection& db, VectorizerId id, const SourceTable& table,
                                  const CompiledFilter& filter, const std::string& where);

/// embedd.covers_7
std::string filter_function(VectorizerId id);

}  // namespace embedd::schema
