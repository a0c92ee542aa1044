/// The arguments of `embedd search`: flags that become fields of a search's request.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace embedd::cli {

struct SearchArguments {
  std::string vectorizer;
  std::string request;                                      ///< a file; - is standard input; empty: none
  std::vector<std::pair<std::string, std::string>> fields;  ///< of the request, as JSON, QUERY too
  bool highlight = false;

  [[nodiscard]] bool has(std::string_view field) const;
};

void add_search_options(CLI::App& command, const std::shared_ptr<SearchArguments>& arguments);

/// The request as search::parse_request() reads it: the file's fields and the flags', which are checked
/// there. `json`: the answer is for a program, so that words are marked as in HTML. Error: invalid_argument.
Result<std::string> request_json(const SearchArguments& arguments, bool json);

}  // namespace embedd::cli
