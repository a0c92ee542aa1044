/// What a failed statement means for the caller, by its SQLSTATE.
#pragma once

#include <string_view>

#include "base/error.h"

namespace embedd::pg {

/// The kind of a SQLSTATE (PostgreSQL's manual, appendix A). Five characters, or empty when the server gave
/// none, which means that the connection failed: unavailable. (A connection lost after a statement was sent
/// is in_doubt; only the caller knows that.) A class that is not listed is `rejected`.
ErrorKind classify(std::string_view sqlstate);

}  // namespace embedd::pg
