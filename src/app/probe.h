/// Asks the endpoints in use one short text each, as a worker would send it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "app/finding.h"
#include "app/settings.h"
#include "schema/model_uses.h"

namespace embedd::app {

/// Told before each request what will be sent, and where.
using BeforeProbe =
    std::function<void(const provider::EndpointConfig& endpoint, const schema::ModelUse& use)>;

/// Costs a request for each use. Nothing is sent to an endpoint that is not configured here or has no key:
/// `check` says so itself. Nor to the built-in one. All uses are told of before the first request is sent. A
/// finding is bad if a worker would rest.
std::vector<Finding> probe(const Settings& settings, const std::vector<schema::ModelUse>& uses,
                           const BeforeProbe& before);

}  // namespace embedd::app
