/// How GoogleTest prints our types in its failures.
#pragma once

#include <ostream>

#include "base/error.h"

namespace embedd {

inline void PrintTo(ErrorKind kind, std::ostream* out) { *out << name_of(kind); }

}  // namespace embedd
