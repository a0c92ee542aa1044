/// SQL that a person wrote over a row's own columns, which becomes the body of a function: the condition of
/// `--where` and the score of a search.
///
/// PostgreSQL parses the function's body once, at creation, and keeps the tree. So every function, operator
/// and cast in it stays the one that was meant then, whatever is created later and whatever search_path a
/// session has. The function has only the caller's rights, and is inlined into the statements that call it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "pg/connection.h"
#include "schema/source_table.h"

namespace embedd::schema {

struct RowExpression {
  std::string sql;                   ///< names columns without a table; all other names are qualified
  std::vector<std::string> columns;  ///< the columns that it reads
};

/// `error` as invalid_argument that begins with `subject`, such as "--where 'x > 1'", if the person's SQL is
/// at fault; the unchanged error if the connection is.
std::unexpected<Error> blame(const pg::Connection& db, std::string_view subject, std::string_view what,
                             const Error& error);

/// Checks that `condition` is a boolean expression over the columns of `table` and `more` ("name type", or
/// empty), as in a CHECK constraint: no subqueries, no aggregates, no system columns. Must run inside a
/// transaction, once. `kind`: what it must be, for the message. Error: invalid_argument with PostgreSQL's own
/// reason.
Result<RowExpression> check_condition(pg::Connection& db, const SourceTable& table, const std::string& more,
                                      const std::string& condition, std::string_view subject,
                                      std::string_view kind);

/// Refuses a function that uses an object which belongs neither to PostgreSQL, nor to an extension, nor to
/// the current role, nor to a superuser: its owner could later replace what workers run.
Result<void> refuse_strangers(pg::Connection& db, const std::string& function, std::string_view subject);

/// Evaluates `call` over alias `t` on the table's first rows only, because a declaration must not take long.
Result<void> try_on_rows(pg::Connection& db, const SourceTable& table, const std::string& call,
                         std::string_view subject);

}  // namespace embedd::schema
