/// Reads one row of a vectorizer's table by its key, for whoever found it.
#pragma once

#include <cstddef>
#include <string_view>

#include "app/settings.h"
#include "base/error.h"
#include "search/read_row.h"

namespace embedd::app {

/// Pieces of texts are shortened until the row fits into `most_bytes`; `request.most` says afterwards how
/// long they are. Errors: invalid_argument, and those of search::read_row().
Result<search::Row> read_row(const Settings& settings, std::string_view vectorizer,
                             search::RowRequest& request, std::size_t most_bytes);

}  // namespace embedd::app
