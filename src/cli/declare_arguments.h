/// The commands that act on all of what embedd has in a database: apply, export, grants, uninstall.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

#include "cli/context.h"
#include "schema/uninstall.h"

namespace embedd::cli {

struct ApplyArguments {
  std::string file;  ///< - is standard input; empty: the file of the configuration
  bool dry_run = false;
  bool prune = false;
};

struct UninstallArguments {
  schema::UninstallOptions options;
  bool dry_run = false;
  bool yes = false;
};

/// Adds a command with this name, help and action; `json`: with the flag --json.
using AddCommand = std::function<CLI::App*(const char* name, const char* help,
                                           std::function<Result<int>(Context&)> action, bool json)>;

void add_declare_commands(const AddCommand& add);

}  // namespace embedd::cli
