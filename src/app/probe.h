/// Sends each endpoint in use one short text, as a worker would send it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/finding.h"
#include "app/settings.h"
#include "schema/model_uses.h"

namespace embedd::app {

/// Called before each request with the endpoint and the model that will be asked.
using BeforeProbe =
    std::function<void(const provider::EndpointConfig& endpoint, const schema::ModelUse& use)>;

/// Sends one request for each use, but nothing to the built-in endpoint, nor to an endpoint that is not
/// configured here or has no key, which `check` reports itself. `before` is called for all uses before the
/// first request is sent. A finding is bad if a worker would rest.
std::vector<Finding> probe(const Settings& settings, const std::vector<schema::ModelUse>& uses,
                           const BeforeProbe& before);

}  // namespace embedd::app
