/// A search's answer as text for a person: what the search lacks, its hits, its counts, and its plan.
#pragma once

#include <string>

#include "app/search.h"

namespace embedd::cli {

/// `first`: the number of the first hit. `rows`: each hit shows the columns by name, which the request names.
std::string search_text(const app::SearchResult& result, int first, bool rows);

}  // namespace embedd::cli
