/// The table of all settings, and the values that flags, environment, `.env` and `embedd.toml` gave them.
///
/// A setting `poll_seconds` is `poll_seconds = 5` in embedd.toml, `EMBEDD_POLL_SECONDS` in the environment
/// and in `.env`, and `--poll-seconds` on the command line. A secret has no flag, because every user of the
/// machine can read command lines. Each secret has a `…_file` setting too.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "base/units.h"

namespace embedd::cli {

enum class SettingType {
  text,
  secret,   ///< never printed, no flag
  path,     ///< of a file
  integer,  ///< within [low, high]
  seconds,  ///< a decimal number within [low, high]
  number,   ///< the same
  choice,   ///< one of `unit`, separated by '|'
};

struct Setting {
  std::string_view name;         ///< in embedd.toml; for the flag, `_` becomes `-`
  std::string_view environment;  ///< variable
  SettingType type;
  std::string_view fallback;  ///< default, as a person would write it; empty: unset
  std::string_view unit;      ///< for people; for a choice, the choices
  std::string_view help;
  double low = 0;
  double high = 0;
};

/// All settings, in an order for readers.
const std::vector<Setting>& all_settings();
/// The setting with this name, or null.
const Setting* find_setting(std::string_view name);
/// The setting with this environment variable, or null. EMBEDD_REDIS_URL is a second name of REDIS_URL, which
/// other programs read too.
const Setting* find_environment(std::string_view variable);
/// `--poll-seconds` for `poll_seconds`.
std::string flag_of(const Setting& setting);
/// The table that `embedd --help-settings` prints: names and defaults, never a value.
std::string settings_help();

/// Where a value came from; a higher source wins.
enum class Source { fallback, toml, dotenv, environment, flag };

struct SettingValue {
  std::string text;
  Source source = Source::fallback;
  std::string origin;  ///< for messages: "embedd.toml:3", ".env:2", "the environment", "--poll-seconds"
};

class SettingValues {
 public:
  /// Stores a value unless a higher source gave one. An empty value means "unset", and hides lower sources.
  /// Errors: invalid_argument if the value does not fit the setting; a secret is never quoted.
  Result<void> set(const Setting& setting, std::string text, Source source, std::string origin);

  /// Where the value was given, for a person: "--config", ".env:2: EMBEDD_CONFIG".
  [[nodiscard]] std::string place_of(std::string_view name) const;

  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] const SettingValue& value(std::string_view name) const;
  [[nodiscard]] const std::string& text(std::string_view name) const { return value(name).text; }
  [[nodiscard]] std::int64_t integer(std::string_view name) const;
  [[nodiscard]] Duration duration(std::string_view name) const;
  [[nodiscard]] double number(std::string_view name) const;

  /// The secret `name`, or the content of the file that `name_file` names, without its final newline.
  /// Errors: invalid_argument if one source sets both, or the file cannot be read.
  [[nodiscard]] Result<Secret> secret(std::string_view name) const;
  /// True if the secret `name` comes from the file that `name_file` names.
  [[nodiscard]] bool from_file(std::string_view name) const;

 private:
  std::map<std::string, SettingValue, std::less<>> values_;
};

}  // namespace embedd::cli
