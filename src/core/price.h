/// What a model costs, where that is known.
#pragma once

#include <cstdint>
#include <string_view>

namespace embedd {

/// US dollars per million tokens at OpenAI's list price (2026); 0 for a model that is not on the list.
double usd_per_million_tokens(std::string_view model);

inline double usd_of(std::string_view model, std::uint64_t tokens) {
  return usd_per_million_tokens(model) * static_cast<double>(tokens) / 1e6;
}

}  // namespace embedd
