/// The settings of a use case: the database, the endpoints, the tokenizer's file. The command line reads them
/// from flags, variables and files; a use case reads none of these.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/secret.h"
#include "core/prices.h"
#include "pg/database_url.h"
#include "provider/endpoint.h"
#include "provider/rerank.h"

namespace embedd::app {

struct Settings {
  pg::DatabaseTarget database;
  pg::DatabaseTarget listen;  ///< empty conninfo: listen on `database` if that is direct
  /// These read the `…_FILE` of the URL again. Any thread may call them, as long as they exist. They return
  /// none while the file is missing or broken. Null if the URL is not from a file.
  std::function<std::optional<Secret>()> database_now, listen_now;
  std::vector<provider::EndpointConfig> endpoints;  ///< `openai` and `local` are always among them
  std::vector<provider::RerankConfig> rerankers;    ///< each with a name of its own
  std::string tokenizer_ranks;                      ///< a cl100k_base.tiktoken; empty: the built-in one
  Prices prices;                                    ///< the list prices, and those of the configuration
  std::string metrics_prefix;                       ///< of further metrics; see observe/prefixed_metrics.h

  /// Null if no endpoint has that name.
  [[nodiscard]] const provider::EndpointConfig* endpoint(std::string_view name) const;
};

}  // namespace embedd::app
