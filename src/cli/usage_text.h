/// How commands show costs, parts of which may be unknown.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace embedd::cli {

/// "0.1200", "unknown", or "0.1200 + unknown".
std::string cost_text(std::optional<double> usd, std::int64_t unpriced_tokens);
/// A line that says what is unknown; empty if nothing is.
std::string unpriced_note(std::int64_t unpriced_tokens);

}  // namespace embedd::cli
