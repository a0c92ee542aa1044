/// Everything a run is told, from flags over the environment over `.env` over `embedd.toml`.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/settings.h"
#include "http/endpoint.h"
#include "pg/database_url.h"

namespace embedd::cli {

/// Where values come from. Tests give their own; main gives the process's.
struct ConfigSources {
  std::map<std::string, std::string, std::less<>> environment;
  std::vector<std::pair<std::string, std::string>> flags;  ///< setting name, value
  std::string directory = ".";                             ///< where `.env` and `embedd.toml` are looked for
};

struct Config {
  SettingValues values;
  pg::DatabaseTarget database;
  pg::DatabaseTarget listen;  ///< empty conninfo: listen on `database`, if it is direct
  /// Read their `…_FILE` again, from any thread and for as long as they are kept; none while the file is
  /// missing or broken. Null where the URL is not from a file.
  std::function<std::optional<Secret>()> database_now, listen_now;
  std::vector<EndpointConfig> endpoints;  ///< `openai` and `local` are always among them
  std::vector<std::string> files;         ///< that were read, for `embedd check`
  std::string note;                       ///< something in them that is probably a slip; empty: nothing

  [[nodiscard]] const EndpointConfig* endpoint(std::string_view name) const;
};

/// The process's environment.
std::map<std::string, std::string, std::less<>> process_environment();

/// Errors: invalid_argument, each naming the file and line or the variable, and the nearest known name.
Result<Config> load_config(const ConfigSources& sources);

}  // namespace embedd::cli
