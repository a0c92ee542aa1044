/// The condition of `--where`, as a function of the row's columns: embedd.covers_<id>(…).
///
/// PostgreSQL parses the function's body once, at creation, and keeps the tree. So every function, operator
/// and cast in it stays the one that was meant then, whatever is created later and whatever search_path a
/// session has. The function has only the caller's rights, and is inlined into the statements that call it.
#pragma once

#include <string>
#include <vector>

#include "core/job.h"
#include "pg/connection.h"
#include "schema/source_table.h"

namespace embedd::schema {

struct CompiledFilter {
  std::string expression;            ///< names columns without a table; all other names are qualified
  std::vector<std::string> columns;  ///< the columns that it reads
};

/// Checks that `where` is a boolean expression over the row's own columns, as in a CHECK constraint: no
/// subqueries, no aggregates. Must run inside a transaction. Error: invalid_argument with PostgreSQL's own
/// reason.
Result<CompiledFilter> compile_filter(pg::Connection& db, const SourceTable& table, const std::string& where);

/// Creates the function, and returns the call of the function over alias `t`. The function may use only
/// objects of PostgreSQL's own, of an extension, or of the current role: any other owner could later replace
/// what workers run. Tries the function on the table's first rows, because a row on which it fails becomes a
/// dead letter. Must run inside a transaction. Error: invalid_argument.
Result<std::string> create_filter(pg::Connection& db, VectorizerId id, const SourceTable& table,
                                  const CompiledFilter& filter, const std::string& where);

/// The function's name, such as embedd.covers_7.
std::string filter_function(VectorizerId id);

}  // namespace embedd::schema
