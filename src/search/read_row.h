/// Reads one row of a vectorizer's table by its key.
#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "base/error.h"
#include "pg/connection.h"
#include "search/request.h"
#include "search/subject.h"

namespace embedd::search {

struct RowRequest {
  std::optional<Filter> key;        ///< a test `=` for each key column
  std::optional<Filter> mandatory;  ///< of the client's token: a row that does not pass it is not there
  int from = 0;                     ///< characters of each long value that are left out
  int most = 20'000;                ///< characters of each long value that are returned, if they fit
  std::size_t bytes = 50'000;       ///< of the whole answer
};

struct Row {
  int most = 0;         ///< characters of each long value that are returned
  std::string json;     ///< empty: there is no such row
  std::string goes_on;  ///< JSON: the columns whose texts go on, with their lengths; empty: none does
};

/// The row without its vectors, bytes and tsvectors. Numbers and flags are as they are. All other values are
/// text, of which a piece is returned, shorter if the row does not fit otherwise; a text that ends before the
/// piece is left out. No cast and no operator of a type that is not PostgreSQL's own is run. Begins a
/// transaction that can write nothing, and runs for ten seconds at most. Errors: invalid_argument, which
/// names the field; unavailable, if the table has just changed; and the connection's.
Result<Row> read_row(pg::Connection& db, const Subject& subject, const RowRequest& request);

}  // namespace embedd::search
