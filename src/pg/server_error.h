/// What the server says of a failed statement, and how much of that may be repeated: its messages can quote
/// the rows that the statement was about, and texts of rows are never logged.
///
///   const ServerError error = read_error(result);
///   log(describe(error, Reader::log));  // 23514 check_violation (table public.notes, constraint
///   notes_check)
///
/// A message is repeated as it is where it can be about nothing but the text of our own statement, which
/// holds no row, or the state of the server. Anybody's function may raise any SQLSTATE with any message and
/// any names, so nothing that comes out of a function is repeated but where it was raised.
#pragma once

#include <string>

struct pg_result;

namespace embedd::pg {

/// The fields of libpq's PG_DIAG_*; empty where the server says nothing.
struct ServerError {
  std::string sqlstate;
  std::string message, detail, hint;
  std::string context;  ///< the calls that it was raised in, innermost first, one a line
  std::string schema, table, column, type, constraint;
  bool positioned = false;  ///< the parser's complaint about a place in the statement's text
};

enum class Reader {
  log,     ///< and whoever reads metrics, `status` and dead letters
  person,  ///< who has typed what the statement is about, which evaluates nothing over rows of a user's
};

/// Of a result that is an error. Without a SQLSTATE it is libpq's own, and only `message` is set.
ServerError read_error(const pg_result* result);

/// It came out of a vector index and is no fault of the row's: pgvector's HNSW indexes can be corrupt, and an
/// insert then meets an element that was emptied.
bool is_index_fault(const ServerError& error);

/// The message, for a person with its hint and, unless it is one about data, its detail; if it may quote a
/// row, the SQLSTATE, the condition's name and what the server names: table, column, type, constraint, or the
/// function that raised it.
std::string describe(const ServerError& error, Reader reader);

/// The same with the server's own words behind it, whatever they quote; at most some 2,000 bytes.
std::string describe_verbatim(const ServerError& error);

}  // namespace embedd::pg
