/// Everything a run is told, from flags over the environment over `.env` over `embedd.toml`.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/settings.h"
#include "cli/settings.h"

namespace embedd::cli {

/// Where values come from. Tests give their own; main gives the process's.
struct ConfigSources {
  std::map<std::string, std::string, std::less<>> environment;
  std::vector<std::pair<std::string, std::string>> flags;  ///< setting name, value
  std::string directory = ".";                             ///< where `.env` and `embedd.toml` are looked for
};

struct Config : app::Settings {
  SettingValues values;
  std::vector<std::string> files;  ///< that were read, for `embedd check`
  std::string note;                ///< something in them that is probably a slip; empty: nothing
};

/// The process's environment.
std::map<std::string, std::string, std::less<>> process_environment();

/// Errors: invalid_argument, each naming the file and line or the variable, and the nearest known name.
Result<Config> load_config(const ConfigSources& sources);

}  // namespace embedd::cli
