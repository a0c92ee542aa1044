/// Parses the command line, before any configuration is read.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/context.h"

namespace embedd::cli {

struct Arguments {
  /// Set if there is nothing to run: --help, --version, --help-settings, or a mistake that was already
  /// printed.
  std::optional<int> exit_code;
  std::vector<std::pair<std::string, std::string>> flags;  ///< settings given as flags
  bool json = false;
  bool reports_bad_config = false;  ///< the command prints a configuration error itself
  std::function<Result<int>(Context&)> command;
};

Arguments parse_arguments(int argc, char** argv);

}  // namespace embedd::cli
