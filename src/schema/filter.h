/// The condition of `--where`, as a function of the row's columns: embedd.covers_<id>(…).
/// See schema/row_expression.h.
#pragma once

#include <string>

#include "core/job.h"
#include "pg/connection.h"
#include "schema/row_expression.h"
#include "schema/source_table.h"

namespace embedd::schema {

/// Checks that `where` is a boolean expression over the row's own columns. Must run inside a transaction.
/// Error: invalid_argument with PostgreSQL's own reason.
Result<RowExpression> compile_filter(pg::Connection& db, const SourceTable& table, const std::string& where);

/// Creates the function, and returns the call of the function over alias `t`. The function may use only
/// objects of PostgreSQL's own, of an extension, or of the current role: any other owner could later replace
/// what workers run. Tries the function on the table's first rows, because a row on which it fails becomes a
/// dead letter. Must run inside a transaction. Error: invalid_argument.
Result<std::string> create_filter(pg::Connection& db, VectorizerId id, const SourceTable& table,
                                  const RowExpression& filter, const std::string& where);

/// The function's name, such as embedd.covers_7.
std::string filter_function(VectorizerId id);

}  // namespace embedd::schema
