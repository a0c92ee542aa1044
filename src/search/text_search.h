/// Declares that a vectorizer's texts are searched by their words too, and builds the index for that.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "pg/connection.h"

namespace embedd::search {

struct TextSearch {
  std::string configuration;  ///< qualified, such as pg_catalog.english; empty: none any more
  std::string index;          ///< the statement that makes the index
  bool built = false;         ///< whether the index is there
};

/// Stores the text configuration `configuration`, such as english; `none` takes it away. Then drops the index
/// of the former configuration, and builds one without locking out writers, unless `build` is false or the
/// table is partitioned. For the table's owner. Errors: invalid_argument (no such vectorizer or
/// configuration, no text column), misconfigured (privileges), and the connection's.
Result<TextSearch> set_text_search(pg::Connection& db, std::string_view vectorizer,
                                   std::string_view configuration, bool build);

}  // namespace embedd::search
