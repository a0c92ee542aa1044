/// What run() passes to a command: the configuration, and how to print.
#pragma once

#include <optional>

#include "base/error.h"
#include "cli/config.h"

namespace embedd::cli {

/// Exit codes; part of the command line's contract.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kRowsRemain = 3;
inline constexpr int kDiffers = 3;  ///< verified vectors differ beyond the tolerance

struct Context {
  Config config;
  std::optional<Error> config_error;  ///< set only for `check`, which reports it itself
  bool json = false;
};

}  // namespace embedd::cli
