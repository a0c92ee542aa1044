/// PostgreSQL's own names for the SQLSTATEs of errors.
#pragma once

#include <string_view>

namespace embedd::pg {

/// "check_violation" of 23514; empty if it is not one of PostgreSQL's.
std::string_view condition_name(std::string_view sqlstate);

}  // namespace embedd::pg
