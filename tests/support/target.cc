#include "support/target.h"

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace embedd::test {

Target target() {
  const char* set = std::getenv("EMBEDD_TEST_TARGET");
  const std::string name = set ? set : "";
  if (name.empty() || name == "direct") return Target::direct;
  if (name == "pgbouncer") return Target::pgbouncer;
  if (name == "least_privilege") return Target::least_privilege;
  if (name == "row_triggers") return Target::row_triggers;
  throw std::runtime_error(
      "EMBEDD_TEST_TARGET is none of direct, pgbouncer, least_privilege, row_triggers: " + name);
}

}  // namespace embedd::test
