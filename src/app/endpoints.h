/// Which model an endpoint uses, and whether requests can be sent to the endpoint.
#pragma once

#include <string>
#include <string_view>

#include "app/settings.h"
#include "base/error.h"

namespace embedd::app {

/// `asked`, or else the endpoint's default: `model` of its table, local-hashing-v1 of a local endpoint,
/// text-embedding-3-small of `openai`. Errors: invalid_argument if the endpoint has no default.
Result<std::string> model_for(const Settings& settings, std::string_view endpoint, std::string_view asked);

/// True if requests can be sent: the key is present (its file is read now), or no key is needed.
bool has_key(const provider::EndpointConfig& endpoint);

/// What to do about a missing key, naming the variable or file.
std::string how_to_set_key(const provider::EndpointConfig& endpoint);

}  // namespace embedd::app
