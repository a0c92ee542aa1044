/// Requests of the traces service, as clients write them: one JSON object, refused with the field that is
/// wrong. docs/traces.md describes each field. Pure.
#pragma once

#include <string_view>

#include "base/error.h"
#include "search/traces.h"

namespace embedd::search {

/// Errors: invalid_argument; the message begins with the field. Values are not checked yet, but for their
/// types: app::TraceService does that.
Result<TraceQuery> parse_trace_query(std::string_view body);
Result<NewTrace> parse_new_trace(std::string_view body);

}  // namespace embedd::search
