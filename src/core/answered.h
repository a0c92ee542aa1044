/// What one good answer tells of its endpoint's pace.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/units.h"

namespace embedd {

struct Answered {
  Instant started_at{};
  Duration took{};
  std::size_t inputs = 0;
  std::size_t tokens = 0;     ///< by our count: an upper bound
  std::uint32_t most = 0;     ///< inputs that it could have had if pace were no object
  std::uint32_t company = 1;  ///< requests in flight at the endpoint, itself among them, at most
};

}  // namespace embedd
