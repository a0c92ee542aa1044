/// What the server says about a failed statement, and how much of that may be repeated. Its messages can
/// quote the statement's rows, and texts of rows are never logged.
///
///   const ServerError error = read_error(result);
///   log(describe(error, Reader::log));  // 23514 check_violation (table public.notes, constraint
///   notes_check)
///
/// A message is repeated unchanged only if it must be about the text of embedd's own statement, which
/// contains no row, or about the state of the server. Any function may raise any SQLSTATE with any message
/// and any names. So of an error raised in a function, only the place is repeated.
#pragma once

#include <string>

struct pg_result;

namespace embedd::pg {

/// Fields of libpq's PG_DIAG_*; empty if the server sent none.
struct ServerError {
  std::string sqlstate;
  std::string message, detail, hint;
  std::string context;  ///< the calls in which it was raised, innermost first, one a line
  std::string schema, table, column, type, constraint;
  bool positioned = false;  ///< the parser refused a place in the statement's text
};

enum class Reader {
  log,     ///< for logs, metrics, `status` and dead letters
  person,  ///< for the person who typed the statement, which evaluates nothing over a user's rows
};

/// Reads the error of `result`. An error without a SQLSTATE is libpq's own, and has only a `message`.
ServerError read_error(const pg_result* result);

/// True if a vector index caused the error and the row is not at fault: pgvector's HNSW indexes can be
/// corrupt, and an insert then meets an element that was emptied.
bool is_index_fault(const ServerError& error);

/// The message; for a person with its hint and, unless the error is about data, its detail. If the message
/// may quote a row: the SQLSTATE, the condition's name, and the names that the server gives (table, column,
/// type, constraint), or the function that raised the error.
std::string describe(const ServerError& error, Reader reader);

/// The same, followed by the server's own words, whatever they quote; about 2,000 bytes at most.
std::string describe_verbatim(const ServerError& error);

}  // namespace embedd::pg
