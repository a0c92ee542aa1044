/// A search's answer as text for an agent. Pure.
#pragma once

#include <cstddef>
#include <string>

#include "app/search_service.h"

namespace embedd::mcp {

/// `text_bytes`: most bytes of each text of a row. Hits that do not fit into `most` bytes are left out, and
/// the text says so.
std::string hits_text(const app::SearchAnswer& answer, std::size_t text_bytes, std::size_t most);

/// What the search lacks, one line each; empty: nothing.
std::string remarks(const app::SearchAnswer& answer);

}  // namespace embedd::mcp
