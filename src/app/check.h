/// Checks that everything is in place for workers: the database, its schema, privileges, vectorizers,
/// endpoints.
#pragma once

#include <vector>

#include "app/finding.h"
#include "app/probe.h"
#include "app/settings.h"

namespace embedd::app {

/// Runs one check after another, and skips checks that an earlier failure makes impossible. Changes nothing.
/// If `before` is not null, also sends a request to each endpoint in use.
std::vector<Finding> check(const Settings& settings, const BeforeProbe& before);

}  // namespace embedd::app
