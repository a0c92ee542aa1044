/// Reads one row of a vectorizer's table by its key, for whoever found it.
#pragma once

#include <string>
#include <string_view>

#include "app/settings.h"
#include "base/error.h"
#include "search/read_row.h"

namespace embedd::app {

/// The row as JSON (search/read_row.h); empty if there is none. Reads within a transaction that can write
/// nothing, and for ten seconds at most. Errors: invalid_argument, and the connection's.
Result<std::string> read_row(const Settings& settings, std::string_view vectorizer,
                             const search::RowRequest& request);

}  // namespace embedd::app
