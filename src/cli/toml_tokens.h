/// Reads the tables [token.NAME] of `embedd.toml`: who may search what.
///
///   [token.support]
///   secret = { env = "SUPPORT_TOKEN" }      # or { file = "/run/secrets/support" }
///   vectorizers = ["tickets", "articles"]   # default: all
///   filter = '{"column": "tenant", "op": "=", "value": 7}'
///   requests_per_minute = 600
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/secret.h"
#include "cli/toml_file.h"
#include "serve/tokens.h"

namespace embedd::cli {

struct TokenTable {
  serve::Rights rights;
  Secret secret;            ///< empty: it is in `secret_file`, or missing
  std::string secret_file;  ///< empty: none
  std::string how;          ///< where a secret that is missing belongs: "set SUPPORT_TOKEN or …"
  std::string origin;       ///< "embedd.toml:3"
};

/// Errors: invalid_argument with file and line; the message never contains a secret.
Result<std::vector<TokenTable>> parse_toml_tokens(std::string_view text, const std::string& file,
                                                  const Lookup& lookup);

}  // namespace embedd::cli
