/// What one good answer shows of its endpoint's pace.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/units.h"

namespace embedd {

struct Answered {
  Instant started_at{};
  Duration took{};
  std::size_t inputs = 0;
  std::size_t tokens = 0;     ///< by this worker's count: an upper bound
  std::uint32_t most = 0;     ///< inputs that the request could have had if the pace set no bound
  std::uint32_t company = 1;  ///< most requests in flight at the endpoint at once, this request among them
};

}  // namespace embedd
