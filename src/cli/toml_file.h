/// Reads `embedd.toml`: settings at the top level, endpoints as `[endpoint.NAME]` tables, prices.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "core/prices.h"
#include "provider/endpoint.h"

namespace embedd::cli {

struct TomlSetting {
  std::string name;
  std::string text;
  std::string origin;  ///< "embedd.toml:3"
};

/// The value of an environment variable (or of `.env`), for `api_key = { env = "NAME" }`.
using Lookup = std::function<std::optional<std::string>(const std::string& variable)>;

/// The settings at the top level. Checks the names of all keys there, tables included.
/// Errors: invalid_argument with file and line; an unknown key names the nearest.
Result<std::vector<TomlSetting>> parse_toml_settings(std::string_view text, const std::string& file);

/// The list prices, and those of `[price]`: "endpoint/model" = USD per million tokens.
/// Errors: invalid_argument with file and line.
Result<Prices> parse_toml_prices(std::string_view text, const std::string& file);

/// The endpoints `known`, changed by the file, and the endpoints that the file adds.
/// Errors: invalid_argument with file and line; the message never contains a key.
Result<std::vector<provider::EndpointConfig>> parse_toml_endpoints(
    std::string_view text, const std::string& file, std::vector<provider::EndpointConfig> known,
    const Lookup& lookup);

}  // namespace embedd::cli
