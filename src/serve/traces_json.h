/// Answers of the traces service as JSON: the shapes of the first user's own server. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/trace_service.h"
#include "search/traces.h"

namespace embedd::serve {

/// {"results": […], "total": 2, "query": "…"}, and "degraded" if the order is not the usual one.
std::string traces_json(const app::TracesFound& found, std::string_view query);
std::string trace_json(const search::Trace& trace);
/// {"id": …, "status": …, "message": …}
std::string added_json(const search::AddedTrace& added);
/// {"tags": […]}
std::string tags_json(const std::vector<std::string>& tags);

}  // namespace embedd::serve
