/// Every setting, in one table, and the values that flags, environment, `.env` and `embedd.toml` gave them.
///
/// A setting `poll_seconds` is `poll_seconds = 5` in embedd.toml, `EMBEDD_POLL_SECONDS` in the environment
/// and in `.env`, and `--poll-seconds` on the command line. Secrets have no flag (a command line can be read
/// by every user of the machine) and each has a `…_file` twin.
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
  std::string_view name;         ///< in embedd.toml; the flag is the same with dashes
  std::string_view environment;  ///< variable
  SettingType type;
  std::string_view fallback;  ///< as a person would write it; empty: unset
  std::string_view unit;      ///< for people; for a choice, the choices
  std::string_view help;
  double low = 0;
  double high = 0;
};

/// All settings, in the order in which people read them.
const std::vector<Setting>& all_settings();
/// The setting of that name, or null.
const Setting* find_setting(std::string_view name);
/// The setting of that environment variable, or null.
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
  /// Takes a value if no higher source gave one; an empty value means "unset, and look no further".
  /// Errors: invalid_argument if the value does not fit the setting; a secret is never quoted.
  Result<void> set(const Setting& setting, std::string text, Source source, std::string origin);

  /// Where the value was given, as a person would look for it: "--config", ".env:2: EMBEDD_CONFIG".
  [[nodiscard]] std::string place_of(std::string_view name) const;

  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] const SettingValue& value(std::string_view name) const;
  [[nodiscard]] const std::string& text(std::string_view name) const { return value(name).text; }
  [[nodiscard]] std::int64_t integer(std::string_view name) const;
  [[nodiscard]] Duration duration(std::string_view name) const;
  [[nodiscard]] double number(std::string_view name) const;

  /// The secret `name`, or the content of the file that `name_file` gives, without its final newline.
  /// Errors: invalid_argument if both are set side by side or the file cannot be read.
  [[nodiscard]] Result<Secret> secret(std::string_view name) const;
  /// True if `name_file` is what counts for the secret `name`.
  [[nodiscard]] bool from_file(std::string_view name) const;

 private:
  std::map<std::string, SettingValue, std::less<>> values_;
};

}  // namespace embedd::cli
