/// What a role lacks to run workers, and granting it.
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

/// The GRANTs that `role` lacks; grants none. Errors: misconfigured (no such role), the connection's.
Result<Grants> read_grants(const Settings& settings, const std::string& role);

/// Grants what this process's role may. The same errors; a refusal is none, and leaves a grant lacking.
Result<Grants> apply_grants(const Settings& settings, const std::string& role);

}  // namespace embedd::app
