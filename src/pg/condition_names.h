/// PostgreSQL's names for the SQLSTATEs of errors.
#pragma once

#include <string_view>

namespace embedd::pg {

/// "check_violation" for 23514; empty if the SQLSTATE is not one of PostgreSQL's.
std::string_view condition_name(std::string_view sqlstate);

}  // namespace embedd::pg
