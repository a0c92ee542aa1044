/// Reads a `.env` file: KEY=VALUE lines, as shells and compose write them.
///
///   # a comment
///   export PLAIN=value          # trailing comments need a space before the '#'
///   QUOTED="a \"b\"\nc"         # escapes: \n \r \t \" \\ \$
///   LITERAL='no ${OTHER}, no \escapes'
///   MORE=${PLAIN}/x             # also in double quotes; ${OTHER:-value} where OTHER may be unset or empty
///
/// Only `${NAME}` is expanded: any other `$` is a `$`, as in many a password.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace embedd::cli {

/// Other programs read the same file, and some write what is no KEY=VALUE into it: such lines are passed
/// over.
struct DotenvEntry {
  std::string name;
  std::string value;
  int line = 0;
};

struct Dotenv {
  std::vector<DotenvEntry> entries;  ///< in order
  std::vector<int> ignored;          ///< numbers of the lines that are none
  std::vector<std::string> unset;    ///< what `${NAME}` names and nobody set
};

/// `file` names it in errors, which are about quotes and never quote a value. `${NAME}` is what `environment`
/// says, else what an earlier line does.
Result<Dotenv> parse_dotenv(
    std::string_view text, std::string_view file,
    const std::function<std::optional<std::string>(const std::string& variable)>& environment);

}  // namespace embedd::cli
