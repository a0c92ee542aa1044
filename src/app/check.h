/// Whether everything is in place for workers: the database, its schema, privileges, vectorizers, endpoints.
#pragma once

#include <vector>

#include "app/finding.h"
#include "app/probe.h"
#include "app/settings.h"

namespace embedd::app {

/// Looks at one thing after another; a thing that a failed one hides is left out. Changes nothing. `before`:
/// not null if the endpoints in use are to be asked, too, which costs a request each.
std::vector<Finding> check(const Settings& settings, const BeforeProbe& before);

}  // namespace embedd::app
