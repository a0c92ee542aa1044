/// The command line: arguments → configuration → command → exit code.
#pragma once

#include "cli/context.h"

namespace embedd::cli {

/// Runs the command that `argv` names. Prints its error. Returns the exit code.
int run(int argc, char** argv);

}  // namespace embedd::cli
