/// Which model an endpoint means, and what a person should know before counting on it.
#pragma once

#include <string>
#include <string_view>

#include "cli/config.h"

namespace embedd::cli {

/// `asked`, or the endpoint's default: `model` of its table, local-hashing-v1 of the local ones,
/// text-embedding-3-small of `openai`. Errors: invalid_argument if it has none.
Result<std::string> model_for(const Config& config, std::string_view endpoint, std::string_view asked);

/// Says on stderr that the endpoint is unknown here, has no key, or finds words and not meaning.
void note_endpoint(const Config& config, std::string_view endpoint);

/// True if requests can be sent: a key is there (its file is read now), or none is needed.
bool has_key(const EndpointConfig& endpoint);

/// What to do about a missing key, naming the variable or file.
std::string how_to_set_key(const EndpointConfig& endpoint);

}  // namespace embedd::cli
