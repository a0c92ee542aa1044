/// Reads a `.env` file: KEY=VALUE lines, as shells and compose write them.
///
///   # a comment
///   export PLAIN=value          # trailing comments need a space before the '#'
///   QUOTED="a \"b\"\nc"         # escapes: \n \r \t \" \\ \$
///   LITERAL='no ${OTHER}, no \escapes'
///   MORE=${PLAIN}/x             # also in double quotes; ${OTHER:-value} where OTHER may be unset or empty
///
/// Only `${NAME}` is expanded: any other `$` is literal, as in many a password.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace embedd::cli {

/// Other programs read the same file, and some write lines into it that are not KEY=VALUE. Such lines are
/// ignored.
struct DotenvEntry {
  std::string name;
  std::string value;
  int line = 0;
};

struct Dotenv {
  std::vector<DotenvEntry> entries;  ///< in order
  std::vector<int> ignored;          ///< numbers of the lines that are not KEY=VALUE
  std::vector<std::string> unset;    ///< names in `${NAME}` that are not set
};

/// `file` is the file's name for error messages, which are about quotes and never contain a value. `${NAME}`
/// is first looked up in `environment`, then in earlier lines.
Result<Dotenv> parse_dotenv(
    std::string_view text, std::string_view file,
    const std::function<std::optional<std::string>(const std::string& variable)>& environment);

}  // namespace embedd::cli
