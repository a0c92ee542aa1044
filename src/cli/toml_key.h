/// Reads where an endpoint's key is, of a table of `embedd.toml`.
#pragma once

#include <string>

#include "cli/toml_file.h"
#include "cli/toml_parse.h"
#include "provider/endpoint.h"

namespace embedd::cli {

/// { env = "NAME" }, { file = "path" }, or "" for a server that wants no key. The key itself may not be in
/// the file, which people commit and copy. Returns what is wrong; empty: nothing.
std::string read_api_key(const toml::node& node, const Lookup& lookup, provider::EndpointConfig& config);

}  // namespace embedd::cli
