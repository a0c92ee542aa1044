/// Reads one row of a vectorizer's table by its key.
#pragma once

#include <optional>
#include <string>

#include "base/error.h"
#include "pg/connection.h"
#include "search/request.h"
#include "search/subject.h"

namespace embedd::search {

struct RowRequest {
  std::optional<Filter> key;  ///< a test `=` for each key column
  int from = 0;               ///< characters of each long value that are left out
  int most = 4000;            ///< characters of each long value that are returned
};

/// The row as JSON, without its vectors, bytes and tsvectors. Numbers and flags are as they are; all other
/// values are text, of which a piece is returned. The key `embedd_cut` names the columns whose text goes on,
/// with the number of characters. Empty if there is no such row. Errors: invalid_argument, which names the
/// field, and the connection's.
Result<std::string> read_row(pg::Connection& db, const Subject& subject, const RowRequest& request);

}  // namespace embedd::search
