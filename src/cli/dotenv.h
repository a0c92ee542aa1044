/// Reads a `.env` file: KEY=VALUE lines, as shells and compose write them.
///
///   # a comment
///   export PLAIN=value          # trailing comments need a space before the '#'
///   QUOTED="a \"b\"\nc"         # escapes: \n \r \t \" \\ \$
///   LITERAL='no $escapes \here'
///
/// Nothing is expanded: a `$` is a `$`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace embedd::cli {

struct DotenvEntry {
  std::string name;
  std::string value;
  int line = 0;
};

/// The entries of `text` in order; `file` names it in errors, which never quote a value.
Result<std::vector<DotenvEntry>> parse_dotenv(std::string_view text, std::string_view file);

}  // namespace embedd::cli
