/// Traces as text for an agent. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "app/trace_service.h"
#include "search/traces.h"

namespace embedd::mcp {

struct TraceDetail {
  std::size_t text_bytes;  ///< most bytes of each text
  bool full = false;       ///< with every field
};

/// What a search found. `near`: by meaning. Traces that do not fit into `most` bytes are left out, and the
/// text says so.
std::string traces_text(const app::TracesFound& found, bool near, TraceDetail detail, std::size_t most);
/// One trace, whose texts begin at character `from`, in at most `most` bytes. The text says where to read on.
/// The other fields are there if `from` is 0.
std::string trace_text(const search::Trace& trace, std::size_t from, std::size_t most);
/// The tags in whose names `part` is, in either case, as many as fit into `most` bytes.
std::string tags_text(const std::vector<std::string>& tags, std::string_view part, std::size_t most);

}  // namespace embedd::mcp
