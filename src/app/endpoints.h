/// Which model an endpoint uses, and whether requests can be sent to the endpoint.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/settings.h"
#include "base/error.h"
#include "core/tokenizer.h"
#include "schema/vectorizers.h"

namespace embedd::app {

/// `asked`, or else the endpoint's default: `model` of its table, local-hashing-v1 of a local endpoint,
/// text-embedding-3-small of `openai`. Errors: invalid_argument if the endpoint has no default.
Result<std::string> model_for(const Settings& settings, std::string_view endpoint, std::string_view asked);

/// True if requests can be sent: the key is present (its file is read now), or no key is needed.
bool has_key(const provider::EndpointConfig& endpoint);

/// The endpoint that a command needs for `vectorizer`. Errors: invalid_argument (the endpoint is not
/// configured here), unauthenticated (it has no key): no other model replaces the vectorizer's.
Result<const provider::EndpointConfig*> ready_endpoint(const Settings& settings,
                                                       const schema::VectorizerInfo& vectorizer);

/// The vectors of `texts`, in order, by as many requests as it takes. Adds the tokens that were bought to
/// `tokens`. `prefix` precedes each text. Error: the endpoint's.
Result<std::vector<std::vector<float>>> embed_texts(const provider::EndpointConfig& endpoint,
                                                    const std::string& prefix,
                                                    const schema::VectorizerInfo& vectorizer,
                                                    const Tokenizer& tokenizer,
                                                    const std::vector<std::string>& texts,
                                                    std::uint64_t& tokens);

/// What to do about a missing key, naming the variable or file.
std::string how_to_set_key(const provider::EndpointConfig& endpoint);

}  // namespace embedd::app
