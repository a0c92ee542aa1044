/// Names, literals and lists as pieces of SQL text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace embedd::pg {

/// Always in double quotes.
std::string quote_identifier(std::string_view name);
/// "schema"."name"
std::string quote_qualified(std::string_view schema, std::string_view name);
/// Safe for either value of standard_conforming_strings.
std::string quote_literal(std::string_view text);

/// The input format of text[], for a parameter: {"a","b"}
std::string array_literal(const std::vector<std::string>& elements);

/// `f(1), f(2), …` joined by `separator`, for i from 1 to n.
template <typename F>
std::string join_each(std::size_t n, std::string_view separator, F&& f) {
  std::string out;
  for (std::size_t i = 1; i <= n; ++i) {
    if (i > 1) out += separator;
    out += f(i);
  }
  return out;
}

}  // namespace embedd::pg
