/// The status of vectorizers, endpoints and workers as JSON: of `embedd status --json`, and of the dashboard.
/// Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "app/status.h"

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

}  // namespace embedd::serve
