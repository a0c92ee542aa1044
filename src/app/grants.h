/// Finds the privileges that a role lacks to run workers, and grants them.
#pragma once

#include <string>
#include <vector>

#include "app/settings.h"
#include "base/error.h"

namespace embedd::app {

struct Grants {
  std::vector<std::string> granted;  ///< statements that took effect just now
  std::vector<std::string> lacking;  ///< statements for somebody else to run
};

/// Returns the GRANTs that `role` lacks; grants nothing. Errors: misconfigured (no such role), the
/// connection's.
Result<Grants> read_grants(const Settings& settings, const std::string& role);

/// Grants what this process's role may grant. The same errors. A refused grant is no error: it stays in
/// `lacking`.
Result<Grants> apply_grants(const Settings& settings, const std::string& role);

}  // namespace embedd::app
