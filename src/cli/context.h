/// What a command is given: the configuration, how to print, and the parts that main wires.
#pragma once

#include <functional>
#include <optional>

#include "base/error.h"
#include "cli/config.h"

namespace embedd::cli {

/// Exit codes; part of the command line's contract.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kRowsRemain = 3;

struct WorkerArguments {
  bool once = false;
  bool traces = false;  ///< first adopt the table `traces`, as soon as it is there
};

struct Context;

/// What main wires, because it needs every layer.
struct Wiring {
  /// The worker from start to exit code.
  std::function<Result<int>(Context&, const WorkerArguments&)> run_worker;
};

struct Context {
  Config config;
  std::optional<Error> config_error;  ///< set only for `check`, which reports it itself
  bool json = false;
  Wiring wiring;
};

}  // namespace embedd::cli
