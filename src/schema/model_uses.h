/// Which models at which endpoints the declared vectorizers use, and which limits are remembered for each.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/learned_limits.h"
#include "pg/connection.h"

namespace embedd::schema {

struct ModelUse {
  std::string endpoint;
  std::string model;
  int dimensions = 0;
  bool send_dimensions = false;
  std::vector<std::string> vectorizers;     ///< their names
  std::optional<LearnedLimits> remembered;  ///< of the endpoint at its present address
};

/// `addresses`: the addresses of the endpoints that are configured here, by name. The schema must be current.
Result<std::vector<ModelUse>> model_uses(pg::Connection& db,
                                         const std::map<std::string, std::string>& addresses);

}  // namespace embedd::schema
