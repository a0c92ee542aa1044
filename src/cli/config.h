/// The configuration of a run: flags override the environment, which overrides `.env`, which overrides
/// `embedd.toml`.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/settings.h"
#include "cli/settings.h"
#include "cli/toml_tokens.h"

namespace embedd::cli {

/// Where values come from. Tests pass their own; the program passes the process's.
struct ConfigSources {
  std::map<std::string, std::string, std::less<>> environment;
  std::vector<std::pair<std::string, std::string>> flags;  ///< setting name, value
  std::string directory = ".";                             ///< where to look for `.env` and `embedd.toml`
};

struct Config : app::Settings {
  SettingValues values;
  std::vector<TokenTable> tokens;
  std::vector<std::string> files;  ///< files that were read, for `embedd check`
  std::string note;                ///< a probable mistake in the files, for a person; empty: none
};

/// The process's environment.
std::map<std::string, std::string, std::less<>> process_environment();

/// Errors: invalid_argument. The message names the file and line or the variable, and the nearest known name.
Result<Config> load_config(const ConfigSources& sources);

}  // namespace embedd::cli
