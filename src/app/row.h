/// Reads one row of a vectorizer's table by its key, such as the key of a hit.
#pragma once

#include <string_view>

#include "app/settings.h"
#include "base/error.h"
#include "search/read_row.h"

namespace embedd::app {

/// Errors: the connection's, invalid_argument, and those of search::read_row().
Result<search::Row> read_row(const Settings& settings, std::string_view vectorizer,
                             const search::RowRequest& request);

}  // namespace embedd::app
