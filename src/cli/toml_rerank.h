/// Reads the tables [rerank.NAME] of `embedd.toml`: endpoints that put a search's hits into a better order.
///
///   [rerank.cohere]
///   url = "https://api.cohere.com/v2/rerank"   # the whole address
///   shape = "cohere"                           # or jina, tei
///   model = "rerank-v3.5"
///   api_key = { env = "COHERE_API_KEY" }       # or { file = "/run/secrets/cohere" }, or ""
///   max_candidates = 50
///   timeout_ms = 2000
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "cli/toml_file.h"
#include "provider/rerank.h"

namespace embedd::cli {

/// Errors: invalid_argument with file and line; the message never contains a key.
Result<std::vector<provider::RerankConfig>> parse_toml_rerankers(std::string_view text,
                                                                 const std::string& file,
                                                                 const Lookup& lookup);

}  // namespace embedd::cli
