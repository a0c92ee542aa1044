/// Checks that everything is in place for workers: the database, its schema, privileges, vectorizers,
/// endpoints.
#pragma once

#include <vector>

#include "app/finding.h"
#include "app/probe.h"
#include "app/settings.h"

namespace embedd::app {

/// Checks one thing after another, and skips what a failed check makes impossible. Changes nothing. `before`:
/// not null if the endpoints in use are to be asked too, which costs a request each.
std::vector<Finding> check(const Settings& settings, const BeforeProbe& before);

}  // namespace embedd::app
