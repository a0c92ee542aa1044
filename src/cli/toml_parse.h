/// TOML as toml++ reads it, without its faults. For the readers of `embedd.toml`.
#pragma once

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <string>
#include <string_view>

#include "base/error.h"

namespace embedd::cli {

/// Pass the table's strings and keys through plain(). Errors: invalid_argument, with file and line.
Result<toml::table> parse_toml(std::string_view text, const std::string& file);

/// A string or key of such a table, as it was written.
std::string plain(std::string_view text);

/// "embedd.toml:3"
std::string place(const std::string& file, const toml::source_region& source);

}  // namespace embedd::cli
