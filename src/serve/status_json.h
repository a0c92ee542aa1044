/// The status of vectorizers, endpoints and workers as JSON: of `embedd status --json`, and of the dashboard.
/// Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "app/status.h"
#include "base/json.h"

namespace embedd::serve {

/// Who asks over HTTP.
struct Viewer {
  std::string token;                                        ///< the client's name; may be empty
  std::function<bool(std::string_view vectorizer)> sees{};  ///< none: everything, workers included
  std::string why_no_write;                                 ///< empty: may retry and purge dead letters
  std::string why_no_dead_letters;                          ///< empty: may read dead letters
};

/// One line. `viewer`: nullptr is an operator at the command line.
std::string status_json(const app::StatusReport& report, const Viewer* viewer);

/// "cost_usd" (null if it is unknown) and "unpriced_tokens".
void write_cost(JsonWriter& json, std::optional<double> usd, std::int64_t unpriced_tokens);

}  // namespace embedd::serve
